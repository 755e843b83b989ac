"""Writes checkpoint files, completely or not at all."""

from pathlib import Path

import torch
from torch import Tensor

from vitpose_plus.files import replacing


def write(path: str | Path, state_dict: dict[str, Tensor]) -> None:
    """Saves a checkpoint that mmengine loads, completely or not at all."""
    with replacing(path) as part:
        save(part, state_dict)


def save(path: Path, state_dict: dict[str, Tensor]) -> None:
    """Saves a checkpoint directly to ``path``, which no other process may read meanwhile."""
    # A view would be saved together with the complete mapped file or tensor that it is a part of.
    own = {name: tensor.detach().clone() for name, tensor in state_dict.items()}
    torch.save(dict(state_dict=own), path)
