"""Finds the included configs whose model has given weights.

Building every model takes seconds. So ``shapes.json`` stores the names and shapes of the weights,
in groups of configs with the same weights. A ``*`` stands for the number of a layer, if the tensor
is the same in all layers. ``make shapes`` writes the file; a test compares it with the models.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import Tensor, nn

from vitpose_plus import files
from vitpose_plus.checkpoints.guard import differences
from vitpose_plus.checkpoints.layouts.heads import has_head
from vitpose_plus.checkpoints.layouts.layout import LAYER
from vitpose_plus.experiments.catalogue import shipped_configs
from vitpose_plus.models.building import build_on_meta, deployment_config

TABLE = Path(__file__).with_name('shapes.json')
OTHERS = ('mae', 'scale')  # folders of configs without a head, or with models of other configs

Shapes = dict[str, tuple[int, ...]]


class KnownWeights(nn.Module):
    """Replaces a model by the names and shapes of its weights.

    Args:
        shapes: Name -> shape.
    """

    def __init__(self, shapes: Shapes) -> None:
        super().__init__()
        self.shapes = shapes

    def state_dict(self, *args, **kwargs) -> dict[str, Tensor]:
        return {k: torch.empty(shape, device='meta') for k, shape in self.shapes.items()}


def fitting_configs(state_dict: dict[str, Tensor]) -> str:
    """The included configs whose model has these weights, as text.

    Without a head only the backbones are compared (MAE's files have no head). A position table fits
    other inputs, too: so configs of other inputs are listed only if no config has the same input.
    """
    fitting = {True: [], False: []}
    for name, shapes in known_shapes():
        own = shapes if has_head(state_dict) else _of_backbone(shapes)
        if not differences(state_dict, KnownWeights(own)):
            same_input = state_dict['backbone.pos_embed'].shape == shapes['backbone.pos_embed']
            fitting[same_input].append(name)
    names = fitting[True] or fitting[False]
    if not names:
        return 'none of the included configs'
    more = f' and {len(names) - 3} more' if len(names) > 3 else ''
    size = '' if fitting[True] else ', of another input size'
    return ', '.join(names[:3]) + more + size


def counterpart(model: nn.Module, state_dict: dict[str, Tensor]) -> nn.Module:
    """The model to compare the weights with; without a head, as in MAE's files, its backbone."""
    if has_head(state_dict):
        return model
    return nn.ModuleDict(dict(backbone=model.backbone))


def known_shapes() -> Iterator[tuple[str, Shapes]]:
    """The name and shapes of every config in the table, in the order of ``shipped_configs``."""
    table = _read()
    for name in shipped_configs():
        if name in table:
            yield name, table[name]


def shapes_of(cfg: Config) -> Shapes:
    """The names and shapes of the weights that a training with this config saves."""
    model = build_on_meta(deployment_config(cfg.model))
    return {name: tuple(value.shape) for name, value in model.state_dict().items()}


def write_table() -> None:
    """Writes ``shapes.json`` from the models of all configs."""
    init_default_scope('mmpose')
    groups = {}
    for name, path in shipped_configs().items():
        if path.parent.name not in OTHERS:
            shapes = _shortened(shapes_of(Config.fromfile(path, format_python_code=False)))
            groups.setdefault(json.dumps(shapes), []).append(name)
    rows = [f'{{"configs": {json.dumps(n)},\n "shapes": {shapes}}}' for shapes, n in groups.items()]
    with files.replacing(TABLE) as part:
        part.write_text('[' + ',\n'.join(rows) + ']\n')


@cache
def _read() -> dict[str, Shapes]:
    groups = json.loads(TABLE.read_text())
    return {name: _expanded(g['shapes']) for g in groups for name in g['configs']}


def _of_backbone(shapes: Shapes) -> Shapes:
    return {name: shape for name, shape in shapes.items() if name.startswith('backbone.')}


def _shortened(shapes: Shapes) -> Shapes:
    """Writes ``*`` for the layer's number in names that every layer has with the same shape."""
    depth = 1 + max((int(m[1]) for name in shapes if (m := LAYER.match(name))), default=-1)
    short = {}
    for name, shape in shapes.items():
        alike = [LAYER.sub(f'backbone.layers.{i}.', name) for i in range(depth)]
        if LAYER.match(name) and all(shapes.get(other) == shape for other in alike):
            name = LAYER.sub('backbone.layers.*.', name)
        short[name] = shape
    return {'depth': depth, **short}


def _expanded(short: Mapping) -> Shapes:
    """The opposite of ``_shortened``."""
    names = {k: tuple(shape) for k, shape in short.items() if k != 'depth'}
    return {
        name.replace('.*.', f'.{i}.', 1): shape
        for name, shape in names.items()
        for i in (range(short['depth']) if '.layers.*.' in name else [0])
    }
