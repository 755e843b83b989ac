"""The names of datasets: as parts of a state dict's keys, and as a tensor in it.

Experts have numbers only. So a state dict also holds the names of the datasets in the order of the
experts, as a tensor: nothing else survives safetensors and other tools.

Shapes: L length of a text.
"""

import json
import re
import warnings
from collections.abc import Iterable, Mapping
from urllib.parse import unquote

import torch
from mmengine.model import ModuleDict
from torch import Tensor, nn

from vitpose_plus.errors import UserError

KEY = 'dataset_names'  # in the state dict of a head for several datasets
TAKEN = frozenset(dir(ModuleDict()))
ESCAPED = re.compile(r'\.|%(?=[0-9A-Fa-f]{2})')


def module_name(dataset: str) -> str:
    """The name of a dataset's decoder among the modules: the dataset's own, wherever torch allows.

    A dot or the name of one of ``ModuleDict``'s methods is written as in a URL: ``my%2Eset``,
    ``%6Beys``.
    """
    if dataset in TAKEN:
        return _escape(dataset[0]) + dataset[1:]
    return ESCAPED.sub(lambda match: _escape(match[0]), dataset)


def dataset_name(module: str) -> str:
    """The opposite of ``module_name``."""
    return unquote(module)


def _escape(character: str) -> str:
    return f'%{ord(character):02X}'


def to_tensor(names: Iterable[str]) -> Tensor:
    """Names -> (L,), uint8 on the CPU: JSON in ASCII, whose numbers are exact in every dtype."""
    return torch.tensor(list(json.dumps(list(names)).encode()), dtype=torch.uint8, device='cpu')


def from_tensor(text: Tensor) -> list[str]:
    """The opposite of ``to_tensor``, also of a file that was cast to another dtype."""
    try:
        return [str(name) for name in json.loads(bytes(text.int().tolist()))]
    except (TypeError, ValueError, NotImplementedError) as error:
        raise UserError(
            f"The checkpoint's {KEY} cannot be read ({error}): copy it again, or remove this key "
            'and make sure that its datasets are in the order of the config.'
        ) from error


def keep_in_state_dict(head: nn.Module) -> None:
    """Makes the names part of a head's state dict, and of what is checked when it is loaded.

    They are no buffer: those are averaged over models and processes.

    Args:
        head: Has ``names``, in the order of the experts, and a decoder for each in ``heads``.
    """
    head.register_state_dict_post_hook(_add)
    head.register_load_state_dict_pre_hook(_check)


def _add(head: nn.Module, state_dict: dict, prefix: str, *args) -> None:
    state_dict[prefix + KEY] = to_tensor(head.names)


def _check(head: nn.Module, state_dict: dict, prefix: str, *args) -> None:
    """Before loading: experts are numbered, so the same datasets in another order are refused.

    The dict is the loader's own copy. In an older checkpoint, without names, the order of the keys
    counts, unless a tool has sorted them. Other datasets are left to whoever compares the keys.
    """
    text = state_dict.pop(prefix + KEY, None)
    heads = in_order(state_dict, f'{prefix}heads.')
    saved = heads if text is None else from_tensor(text)
    in_place = saved[: len(head.names)] == head.names  # a file may have experts without a head
    if in_place or set(head.names) not in (set(heads), set(saved)):
        return
    if text is None and are_sorted(state_dict):
        warn_of(head.names)
        return
    raise UserError(
        f"The checkpoint's datasets are in the order {', '.join(saved)}, the config's "
        f'are {", ".join(head.names)}: experts would be swapped; list the datasets in '
        f"the checkpoint's order."
    )


def warn_of(names: Iterable[str]) -> None:
    """Of an order that nothing in the checkpoint confirms."""
    warnings.warn(
        "The checkpoint's keys are sorted and do not say the order of its datasets: the config's "
        f'is taken ({", ".join(names)}), with which experts are swapped if it was trained in '
        'another.',
        stacklevel=3,
    )


def in_order(state_dict: Mapping[str, Tensor], prefix: str) -> list[str]:
    """The datasets that have a decoder, in the order of the keys that start with ``prefix``."""
    parts = (key[len(prefix) :].split('.')[0] for key in state_dict if key.startswith(prefix))
    return [dataset_name(part) for part in dict.fromkeys(parts)]


def are_sorted(state_dict: Mapping[str, Tensor]) -> bool:
    """Whether a tool has sorted the keys, so that their order says nothing about the experts.

    Safetensors sorts them within each dtype. No model of ours has them sorted: ``weight`` comes
    before ``bias``.
    """
    by_dtype = {}
    for key, value in state_dict.items():
        by_dtype.setdefault(value.dtype, []).append(key)
    return all(keys == sorted(keys) for keys in by_dtype.values())
