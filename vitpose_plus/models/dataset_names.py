"""The names of datasets in a state dict: as parts of its keys, and as a tensor.

Experts have only numbers. A state dict therefore also contains the names of the datasets, in the
order of the experts. They are stored as a tensor, because safetensors and other tools keep only
tensors.

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
    """The module name of a dataset's decoder: the name of the dataset, if torch allows it.

    A dot is escaped as in a URL: ``my%2Eset``. If ``ModuleDict`` has an attribute of this name, the
    first letter is escaped: ``%6Beys``.
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
    """Names -> (L,) uint8 on the CPU: JSON in ASCII, whose codes are exact in every dtype."""
    return torch.tensor(list(json.dumps(list(names)).encode()), dtype=torch.uint8, device='cpu')


def from_tensor(text: Tensor) -> list[str]:
    """The opposite of ``to_tensor``; the tensor may have been cast to another dtype."""
    try:
        return [str(name) for name in json.loads(bytes(text.int().tolist()))]
    except (TypeError, ValueError, NotImplementedError) as error:
        raise UserError(
            f"The checkpoint's {KEY} cannot be read ({error}): copy it again, or remove this key "
            'and make sure that its datasets are in the order of the config.'
        ) from error


def keep_in_state_dict(head: nn.Module) -> None:
    """Adds the names to the state dict of a head, and checks them when a state dict is loaded.

    The names are not a buffer, because buffers are averaged over models and processes.

    Args:
        head: A module with ``names`` in the order of the experts, and a decoder for each in
            ``heads``.
    """
    head.register_state_dict_post_hook(_add)
    head.register_load_state_dict_pre_hook(_check)


def _add(head: nn.Module, state_dict: dict, prefix: str, *args) -> None:
    state_dict[prefix + KEY] = to_tensor(head.names)


def _check(head: nn.Module, state_dict: dict, prefix: str, *args) -> None:
    """Raises a ``UserError`` before loading if the checkpoint has the datasets in another order.

    Experts are found by number, so another order would swap them. An older checkpoint has no names:
    then the order of its keys is checked, unless a tool has sorted them. If the datasets are not
    the same, nothing is raised here: the comparison of the keys reports it.
    """
    text = state_dict.pop(prefix + KEY, None)  # the dict is the loader's own copy
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
    """Warns that the checkpoint does not confirm the order of the datasets."""
    warnings.warn(
        "The checkpoint's keys are sorted and do not show the order of its datasets: the order of "
        f'the config is used ({", ".join(names)}). If the model was trained in another order, its '
        'experts are swapped.',
        stacklevel=3,
    )


def in_order(state_dict: Mapping[str, Tensor], prefix: str) -> list[str]:
    """The datasets that have a decoder, in the order of the keys that start with ``prefix``."""
    parts = (key[len(prefix) :].split('.')[0] for key in state_dict if key.startswith(prefix))
    return [dataset_name(part) for part in dict.fromkeys(parts)]


def are_sorted(state_dict: Mapping[str, Tensor]) -> bool:
    """Whether a tool has sorted the keys, so that they do not show the order of the experts.

    Safetensors sorts the keys within each dtype. In our own files they are never sorted:
    ``weight`` comes before ``bias``.
    """
    by_dtype = {}
    for key, value in state_dict.items():
        by_dtype.setdefault(value.dtype, []).append(key)
    return all(keys == sorted(keys) for keys in by_dtype.values())
