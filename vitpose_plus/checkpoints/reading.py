"""Reads the weights of a model from a checkpoint file of any tool.

All reading of checkpoints is done here: for the commands, the preflight, ``--resume``, and
mmengine's own loading (``loading``).
"""

from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vitpose_plus import files
from vitpose_plus.checkpoints.naming import own_names
from vitpose_plus.checkpoints.opening import Place, content_of
from vitpose_plus.errors import UserError

# The keys of the weights in files that also have epochs, an optimiser and settings. The averaged
# weights come last: mmengine with EMAHook saves the averaged ones as state_dict, and the trained
# ones, which only the hook needs, as ema_state_dict.
AVERAGED = 'ema_state_dict'
WRAPPERS = ('state_dict', 'model', 'module', AVERAGED)
COUNTER = 'steps'  # is stored beside the weights of mmengine's averaged models
DTYPES = {  # the dtypes of models; copying other tensors into a model would change their values
    *(torch.float64, torch.float32, torch.float16, torch.bfloat16),
    *(torch.float8_e4m3fn, torch.float8_e4m3fnuz, torch.float8_e5m2, torch.float8_e5m2fnuz),
    *(torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool),
}


def read(path: str | Path) -> dict[str, Tensor]:
    """Returns the weights in a file of torch or safetensors, or in a folder of Hugging Face.

    A pickle is loaded with ``weights_only``: it may contain data, but no code. Tensors are mapped:
    all of them are checked once, but tensors that are not used take no memory.

    Raises:
        UserError: It is no checkpoint, is damaged, or contains values that cannot be weights.
    """
    return read_whole(path)['state_dict']


def read_whole(path: str | Path, mapped: bool = True, place: Place = 'cpu') -> dict[str, Any]:
    """Returns the complete content of a checkpoint, with the weights under ``state_dict``.

    Wrappers around the weights and prefixes of their names are removed. The other entries are
    unchanged.

    Args:
        path: As for ``read``.
        mapped: As for ``content_of``.
        place: As for ``content_of``.
    """
    content, rest = content_of(path, mapped, place), {}
    for _ in WRAPPERS:  # a wrapper may contain another one
        given = content if isinstance(content, dict) else {}
        wrapper = next((name for name in WRAPPERS if isinstance(given.get(name), dict)), None)
        if wrapper is None:
            break
        rest = {key: value for key, value in content.items() if key != wrapper} | rest
        content = content[wrapper]
        if wrapper == AVERAGED:
            content = {key: value for key, value in content.items() if key != COUNTER}
    if not isinstance(content, dict) or not content:
        raise UserError(f'{path} holds no state dict: give a file with the weights of a model.')
    return {**rest, 'state_dict': _named(content, path)}


def _named(content: dict, path: str | Path) -> dict[str, Tensor]:
    """The weights by the names that they have in the model."""
    if wrong := [name for name in content if not isinstance(name, str)]:
        raise UserError(
            f'{path} holds no state dict: its key {wrong[0]!r} is no text '
            f'({type(wrong[0]).__name__}); give a file with the weights of a model.'
        )
    check_tensors(content, path)
    with files.about(path):
        prefix, names = own_names(content)
    state = OrderedDict((names[name], value.detach()) for name, value in content.items())
    state._metadata = _versions(content, prefix)
    return state


def _versions(content: dict, prefix: str) -> dict[str, dict[str, int]]:
    """The versions of a model's parts, which torch saves beside the weights."""
    given = getattr(content, '_metadata', None)
    return {
        f'{part}.'.removeprefix(prefix).removesuffix('.'): dict(version=entry['version'])
        for part, entry in (given if isinstance(given, dict) else {}).items()
        if isinstance(entry, dict) and isinstance(entry.get('version'), int)
    }


def check_tensors(state: Mapping[str, Any], path: str | Path) -> None:
    """Raises a ``UserError`` unless all values are ordinary tensors of finite numbers.

    A training that diverged saves NaN or infinity.

    Args:
        state: Tensors by their names.
        path: The file that they are from.
    """
    for name, value in state.items():
        if problem := _problem(value):
            raise UserError(
                f'{path} holds no state dict: its {name!r} {problem}; give a file with the weights '
                'of a model.'
            )
    not_finite = [name for name, value in state.items() if not _is_finite(value)]
    if not_finite:
        raise UserError(
            f'{path} holds numbers that are not finite (NaN or infinity) in {len(not_finite)} of '
            f'its {len(state)} tensors, first in {not_finite[0]!r}: give an earlier checkpoint.'
        )


def _problem(value: Any) -> str | None:
    """Why a value cannot be a weight; None if it can."""
    if not isinstance(value, Tensor):
        return f'is no tensor ({type(value).__name__})'
    if value.is_meta:
        return 'is a tensor without numbers (of the meta device)'
    if value.layout is not torch.strided:
        return 'is a sparse tensor'
    if value.dtype not in DTYPES:
        return f'is a tensor of {dtype_of(value)}'
    return None


def dtype_of(value: Tensor) -> str:
    """The name of a tensor's dtype, for a message."""
    return str(value.dtype).removeprefix('torch.')


def _is_finite(value: Tensor) -> bool:
    """Whether all numbers of a tensor are finite.

    If the sum of all numbers is finite, all numbers are. A sum takes a fiftieth of the time of
    checking each number. As a sum may overflow, each number is checked if the sum is not finite.
    Numbers that an expanded tensor repeats are checked once.
    """
    value = value[tuple(slice(None if step else 1) for step in value.stride())]
    if not value.is_floating_point() or value.sum(dtype=torch.float32).isfinite():
        return True
    return bool(value.isfinite().all())
