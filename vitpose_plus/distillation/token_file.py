"""The file that stage 1 writes: the token, and its teacher.

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

# Tensors that do not change the identity of a teacher: tables that are resized for an input, the
# token, and the names of the datasets, which are missing in older files.
IGNORED = ('pos_embed', 'pos_embed_h', 'pos_embed_w', 'prefix_tokens', 'dataset_names')


class SavedToken(NamedTuple):
    """A knowledge token (ViTPose, section 3.4).

    Attributes:
        token: (1, P, C).
        teacher: The names of the teacher's config and checkpoint, for messages.
        sha256: The SHA-256 of the teacher's weights; a student's teacher must have the same.
    """

    token: Tensor
    teacher: str
    sha256: str


def fingerprint(state_dict: Mapping[str, Tensor]) -> str:
    """The SHA-256 of weights, converted to float32; it does not depend on the kind of file."""
    digest = hashlib.sha256()
    for name in sorted(state_dict):
        if name.split('.')[-1] not in IGNORED:
            value = state_dict[name].detach().cpu()
            value = value.float() if value.is_floating_point() else value
            digest.update(name.encode())
            digest.update(value.numpy().tobytes())
    return digest.hexdigest()


def write_token(path: str | Path, saved: SavedToken) -> None:
    with files.replacing(path) as part:
        torch.save(saved._asdict(), part)


def read_token(path: str | Path) -> SavedToken:
    """Reads a token as data, without running code; a ``UserError`` if the file has no token."""
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
