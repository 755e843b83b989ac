"""The weights of a model in a checkpoint file, of whatever tool: the only reader there is.

Commands, preflight, ``--resume``, and mmengine's own loading (``loading``) all come here.
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

# Where the sources keep the weights among epochs, optimiser and settings. The averaged ones come
# last: a training of mmengine with EMAHook saves them as state_dict, and as ema_state_dict those
# that are trained on, which only the hook wants.
AVERAGED = 'ema_state_dict'
WRAPPERS = ('state_dict', 'model', 'module', AVERAGED)
COUNTER = 'steps'  # beside the weights of mmengine's averaged models
NUMBERS = {  # what models have; a mere copy changes the others
    *(torch.float64, torch.float32, torch.float16, torch.bfloat16),
    *(torch.float8_e4m3fn, torch.float8_e4m3fnuz, torch.float8_e5m2, torch.float8_e5m2fnuz),
    *(torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool),
}


def read(path: str | Path) -> dict[str, Tensor]:
    """The weights in a file of torch or safetensors, or in a folder of Hugging Face's.

    A pickle is loaded with ``weights_only``: it may hold data, never code. Big tensors are mapped:
    all are looked at once, but what is not used takes no memory.

    Raises:
        UserError: It is no checkpoint, or damaged, or holds what cannot be weights.
    """
    return read_whole(path)['state_dict']


def read_whole(path: str | Path, mapped: bool = True, place: Place = 'cpu') -> dict[str, Any]:
    """All that is in a checkpoint: the weights as ``state_dict``, whatever wrappers and prefixes
    they had, the rest as it is.

    Args:
        path: As for ``read``.
        mapped: As for ``content_of``.
        place: As for ``content_of``.
    """
    content, rest = content_of(path, mapped, place), {}
    for _ in WRAPPERS:  # one may hold another
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
    """Weights under the names that the model gives them."""
    if odd := [name for name in content if not isinstance(name, str)]:
        raise UserError(
            f'{path} holds no state dict: its key {odd[0]!r} is no text ({type(odd[0]).__name__}); '
            'give a file with the weights of a model.'
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
    """Raises a ``UserError`` unless all are ordinary tensors of finite numbers.

    A training that diverged leaves NaN or infinity.

    Args:
        state: Tensors by their names.
        path: The file that they are from.
    """
    for name, value in state.items():
        if oddity := _oddity(value):
            raise UserError(
                f'{path} holds no state dict: its {name!r} {oddity}; give a file with the weights '
                'of a model.'
            )
    spoilt = [name for name, value in state.items() if not _is_finite(value)]
    if spoilt:
        raise UserError(
            f'{path} holds numbers that are not finite (NaN or infinity) in {len(spoilt)} of its '
            f'{len(state)} tensors, first in {spoilt[0]!r}: give an earlier checkpoint.'
        )


def _oddity(value: Any) -> str | None:
    """What keeps a value from being a weight."""
    if not isinstance(value, Tensor):
        return f'is no tensor ({type(value).__name__})'
    if value.is_meta:
        return 'is a tensor without numbers (of the meta device)'
    if value.layout is not torch.strided:
        return 'is a sparse tensor'
    if value.dtype not in NUMBERS:
        return f'is a tensor of {dtype_of(value)}'
    return None


def dtype_of(value: Tensor) -> str:
    """Its name, for a message."""
    return str(value.dtype).removeprefix('torch.')


def _is_finite(value: Tensor) -> bool:
    """A sum is finite only if all of its terms are, and takes a fiftieth of the time of looking at
    each; it may also overflow. Of numbers that an expanded tensor repeats, one is looked at."""
    value = value[tuple(slice(None if step else 1) for step in value.stride())]
    if not value.is_floating_point() or value.sum(dtype=torch.float32).isfinite():
        return True
    return bool(value.isfinite().all())
