"""The file that stage 1 leaves: the token, and whose it is.

Shapes: P prefix tokens, C channels of the teacher.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from vitpose_plus import files
from vitpose_plus.checkpoints import opening
from vitpose_plus.errors import UserError

# What does not make a teacher another one: tables that are made to fit an input, the token, and the
# names of the datasets, which older files lack.
APART = ('pos_embed', 'pos_embed_h', 'pos_embed_w', 'prefix_tokens', 'dataset_names')


class SavedToken(NamedTuple):
    """A knowledge token (ViTPose, section 3.4).

    Attributes:
        token: (1, P, C).
        teacher: The names of the teacher's config and checkpoint, for people.
        sha256: Of the teacher's weights, for comparison.
    """

    token: Tensor
    teacher: str
    sha256: str


def fingerprint(state_dict: Mapping[str, Tensor]) -> str:
    """sha256 of weights, whatever file they are in, be it in half precision."""
    digest = hashlib.sha256()
    for name in sorted(state_dict):
        if name.split('.')[-1] not in APART:
            value = state_dict[name].detach().cpu()
            value = value.float() if value.is_floating_point() else value
            digest.update(name.encode())
            digest.update(value.numpy().tobytes())
    return digest.hexdigest()


def write_token(path: str | Path, saved: SavedToken) -> None:
    with files.replacing(path) as part:
        torch.save(saved._asdict(), part)


def read_token(path: str | Path) -> SavedToken:
    """Loaded as data, never as code; a ``UserError`` if there is no token in it."""
    if not Path(path).is_file():
        raise UserError(
            f'The knowledge token {path} does not exist: train it first, with a config of '
            'configs/distill/ that has -token in its name.'
        )
    content = opening.content_of(path)
    token = content.get('token') if isinstance(content, dict) else None
    if not isinstance(token, Tensor) or token.ndim != 3 or set(content) != set(SavedToken._fields):
        raise UserError(
            f'{path} is no knowledge token: give the token.pth that stage 1 of the distillation '
            'wrote, not a checkpoint.'
        )
    return SavedToken(**content)
