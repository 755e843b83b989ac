"""Checkpoint files, written whole or not at all."""

from pathlib import Path

import torch
from torch import Tensor

from vitpose_plus.files import replacing


def write(path: str | Path, state_dict: dict[str, Tensor]) -> None:
    """Saves a checkpoint that mmengine loads, whole or not at all."""
    with replacing(path) as part:
        save(part, state_dict)


def save(path: Path, state_dict: dict[str, Tensor]) -> None:
    """Saves a checkpoint under a name that nobody reads yet."""
    # Views of a mapped file or of a bigger tensor would be saved with all that is behind them.
    own = {name: tensor.detach().clone() for name, tensor in state_dict.items()}
    torch.save(dict(state_dict=own), path)
