"""A part: the expert and the head of one dataset of a ViTPose+, which another one can take in.

The datasets of a ViTPose+ share most of the backbone. A part fits only a model whose shared tensors
are equal, so it has their digests. It is a small file that can be handed to others.

Shapes: E experts. Each tensor of a part's expert is (1, ...).
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from torch import Tensor

from vitpose_plus.checkpoints.experts import expert_weights, is_expert, shared_weights, stacked
from vitpose_plus.checkpoints.guard import check_fit
from vitpose_plus.checkpoints.layouts.heads import NAMES, decoder_of, own_prefix
from vitpose_plus.checkpoints.layouts.layout import State
from vitpose_plus.checkpoints.opening import content_of
from vitpose_plus.checkpoints.reading import check_tensors
from vitpose_plus.errors import UserError
from vitpose_plus.experiments.joining import join_config
from vitpose_plus.experiments.part_settings import PartSettings
from vitpose_plus.experiments.splitting import dataset_index
from vitpose_plus.files import about, replacing
from vitpose_plus.models import dataset_names
from vitpose_plus.models.building import build_on_meta

KEY = 'vitpose_plus_part'  # marks a part file; its value is the schema
SCHEMA = 1
FIELDS = {KEY, 'settings', 'expert', 'head', 'shared'}


@dataclass(frozen=True)
class Part:
    """The expert and the head of one dataset.

    Attributes:
        settings: The settings of the dataset.
        expert: The tensors of its expert, each (1, ...), by their names in the model.
        head: The tensors of its head, by their names in the head.
        shared: Name -> digest of every tensor of the backbone that all datasets share.
    """

    settings: PartSettings
    expert: State
    head: State
    shared: dict[str, str]


def take_part(state: State, cfg: Config, dataset: str) -> Part:
    """Takes the part of a dataset out of a ViTPose+.

    Args:
        state: The weights of ``cfg.model``, in our layout.
        cfg: The config of a ``MultiDatasetTopdown`` with experts, of one dataset or several.
        dataset: The name of one of its heads.

    Raises:
        UserError: There is no such dataset, or its crops are of no included kind.
    """
    index = dataset_index(cfg, dataset)
    check_fit(state, build_on_meta(cfg.model))
    expert = expert_weights(state, index)
    if not expert:
        raise UserError('The model has no experts: give a checkpoint of a ViTPose+.')
    head = decoder_of(state, dataset)
    return Part(PartSettings.of(cfg, dataset), expert, head, digests(shared_weights(state)))


def digests(state: State) -> dict[str, str]:
    """The SHA-256 of the name, the shape and the values of each tensor, in hexadecimal digits.

    Values are compared in single precision, those of double precision as they are. So the digests
    of a file in half precision are those of a file with the same values in single precision.
    """
    return {name: _digest(name, value) for name, value in state.items()}


def _digest(name: str, value: Tensor) -> str:
    value = value.detach().cpu()
    exact = value if value.dtype == torch.float64 else value.float()
    values = exact.contiguous().numpy()
    digest = hashlib.sha256(f'{name} {tuple(value.shape)} '.encode())
    digest.update(values.astype(values.dtype.newbyteorder('<')).tobytes())
    return digest.hexdigest()


def write_part(path: str | Path, part: Part) -> None:
    """Writes a part file, completely or not at all."""
    content = {
        KEY: SCHEMA,
        'settings': part.settings.to_data(),
        'expert': {k: v.detach().clone() for k, v in part.expert.items()},
        'head': {k: v.detach().clone() for k, v in part.head.items()},
        'shared': dict(part.shared),
    }
    with replacing(path) as new:
        torch.save(content, new)


def read_part(path: str | Path) -> Part:
    """Reads a part file. It contains data only: a file with anything else is refused.

    Raises:
        UserError: The file cannot be read, is no part, or one of its fields is wrong.
    """
    content = content_of(path)
    if not is_part(content):
        raise UserError(f'{path} is no part: give a file that vitpose split --part wrote.')
    return part_of(content, path)


def is_part(content: Any) -> bool:
    """Whether the content of a file is marked as a part."""
    return isinstance(content, dict) and KEY in content


def part_of(content: dict, path: str | Path) -> Part:
    """The part in the content of a part file; ``path`` is the file, for messages."""
    again = 'write it again with vitpose split --part'
    schema = content[KEY]
    if type(schema) is not int or schema != SCHEMA:
        raise UserError(
            f'{path} is a part of the schema {schema!r}, this version reads {SCHEMA}: update '
            f'vitpose_plus, or {again}.'
        )
    if wrong := sorted(set(map(str, content)) ^ FIELDS):
        raise UserError(f'{path}: {wrong[0]} is missing or not known: {again}.')
    for field in ('expert', 'head', 'shared'):
        entries = content[field]
        if type(entries) is not dict or not all(type(key) is str for key in entries):
            raise UserError(f'{path}: {field} is no dict of names: {again}.')
        if not entries:
            raise UserError(f'{path}: {field} is empty: {again}.')
    for key, value in content['shared'].items():
        if type(value) is not str:
            raise UserError(f'{path}: shared.{key} is no text of a digest: {again}.')
    for field in ('expert', 'head'):
        with about(path):
            check_tensors(content[field], path)
    with about(path):
        settings = PartSettings.from_data(content['settings'])
    return Part(settings, *(content[field] for field in ('expert', 'head', 'shared')))


def join(
    state: State, cfg: Config, part: Part, source: Config | None = None
) -> tuple[State, Config]:
    """Adds a part to a ViTPose+: its expert becomes the last one, its head is added.

    No tensor of the model is changed, so the outputs of the old datasets are equal bit for bit.

    Args:
        state: The weights of ``cfg.model``, in our layout.
        cfg: The config of a ``MultiDatasetTopdown`` with experts.
        part: The part of another dataset.
        source: The config of the part's training, whose loaders and metrics are used. By default
            the data are expected in ``data/NAME``.

    Returns:
        The weights and the config of the joined model.

    Raises:
        UserError: The shared tensors are not equal, the dataset exists already, or the part is of
            another model.
    """
    joined_cfg = join_config(cfg, part.settings, source)
    check_fit(state, build_on_meta(cfg.model))
    _check_shared(digests(shared_weights(state)), part)
    prefix, names = own_prefix(part.settings.dataset), cfg.model.head.heads
    order = [*(head['dataset'] for head in names), part.settings.dataset]
    joined = {key: value for key, value in state.items() if key != NAMES}
    joined |= _stacked({k: v for k, v in state.items() if is_expert(k)}, part.expert)
    joined |= {f'{prefix}{key}': value for key, value in part.head.items()}
    joined[NAMES] = dataset_names.to_tensor(order)
    check_fit(joined, build_on_meta(joined_cfg.model), 'The part', 'give a part of this model')
    return joined, joined_cfg


def _check_shared(own: dict[str, str], part: Part) -> None:
    """Raises a ``UserError`` that names the first shared tensor that is not equal."""
    for name in [*own, *(name for name in part.shared if name not in own)]:
        fault = None
        if name not in part.shared:
            fault = 'is missing in the part'
        elif name not in own:
            fault = 'is missing in the model'
        elif own[name] != part.shared[name]:
            fault = 'differs'
        if fault:
            raise UserError(
                f'The part of {part.settings.dataset!r} belongs to another model: the shared '
                f'tensor {name} {fault}; give the ViTPose+ that the part was trained on, or train '
                'the part with --train expert.'
            )


def _stacked(experts: State, last: State) -> State:
    """The experts with one more at the end."""
    for name in [*experts, *(name for name in last if name not in experts)]:
        shapes = [tuple(each[name].shape[1:]) if name in each else None for each in (experts, last)]
        if shapes[0] != shapes[1] or len(last[name]) != 1:
            raise UserError(
                f'The part has another kind of expert than the model ({name}): give a part of '
                'this model.'
            )
    return stacked([experts, last])
