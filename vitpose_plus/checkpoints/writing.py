"""Writes checkpoint files, completely or not at all."""

from collections.abc import Iterable
from pathlib import Path

import torch
from mmengine.config import Config
from torch import Tensor

from vitpose_plus.errors import UserError
from vitpose_plus.files import check_output, refuse_existing, refuse_same, replacing


def write(path: str | Path, state_dict: dict[str, Tensor]) -> None:
    """Saves a checkpoint that mmengine loads, completely or not at all."""
    with replacing(path) as part:
        save(part, state_dict)


def save(path: Path, state_dict: dict[str, Tensor]) -> None:
    """Saves a checkpoint directly to ``path``, which no other process may read meanwhile."""
    # A view would be saved together with the complete mapped file or tensor that it is a part of.
    own = {name: tensor.detach().clone() for name, tensor in state_dict.items()}
    torch.save(dict(state_dict=own), path)


def write_pair(path: str | Path, state_dict: dict[str, Tensor], cfg: Config) -> Path:
    """Writes a checkpoint, and its config beside it: both completely, or none.

    Returns:
        The path of the config.
    """
    config = _config_beside(path)
    with replacing(path) as weights, replacing(config) as settings:
        cfg.dump(settings)
        save(weights, state_dict)
    return config


def check_pair(path: str | Path, given: Iterable[str | Path], force: bool) -> Path:
    """Raises a ``UserError`` unless a checkpoint and its config can be written.

    Args:
        path: The file of the checkpoint.
        given: The files that are read.
        force: Whether existing files may be replaced.

    Returns:
        The path of the config.
    """
    config = _config_beside(path)
    if config == Path(path):
        raise UserError(
            f'{path} is the name of the config that is written beside OUT: give OUT a name '
            'that ends in .pth.'
        )
    for each in (path, config):
        check_file(each, given, force)
    return config


def check_file(path: str | Path, given: Iterable[str | Path], force: bool) -> None:
    """Raises a ``UserError`` unless a file can be written; the arguments are as above."""
    refuse_existing(path, force)
    for each in given:
        refuse_same(each, path)
    check_output(path)


def _config_beside(path: str | Path) -> Path:
    return Path(path).with_suffix('.py')
