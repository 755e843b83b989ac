"""The configs that come with the package, found by name or by the weights they fit."""

import difflib
import os.path as osp
from collections.abc import Iterator
from pathlib import Path

import torch
from mmengine.config import Config
from mmpose.registry import MODELS
from torch import Tensor, nn

from vitpose_plus.checkpoints.guard import differences
from vitpose_plus.checkpoints.layouts.heads import has_head
from vitpose_plus.errors import UserError
from vitpose_plus.models.distill import left_of
from vitpose_plus.models.vit import ARCHS

CONFIGS = (Path(__file__).parent / '.mim' / 'configs').resolve()
PARTS = ('_base_', 'datasets')  # folders of what configs are made of


def shipped_configs() -> dict[str, Path]:
    """Name -> file of every config that is an experiment: folder by folder, those of the plain
    models before their variations, and in a folder short names first."""

    def place(path: Path) -> tuple:
        folder = path.parent.name
        return not folder.startswith('vitpose'), folder, len(path.name), path

    files = sorted(CONFIGS.rglob('*.py'), key=place)
    return {path.stem: path for path in files if path.parent.name not in PARTS}


def find_config(name: str) -> str:
    """``name`` if it is a file, else the shipped config of that name (with or without .py)."""
    if osp.isfile(name):
        return name
    shipped = shipped_configs()
    stem = name.removesuffix('.py')
    if stem not in shipped:
        close = difflib.get_close_matches(osp.basename(stem), shipped, n=3, cutoff=0.3)
        raise UserError(
            f'There is no config {name}, neither as a file nor by that name among the '
            f'shipped ones; the closest are {", ".join(close) or "none"}.'
        )
    return str(shipped[stem])


def read_config(name: str) -> Config:
    """The config of that path or shipped name, with the model that a training leaves."""
    path = find_config(name)
    try:
        cfg = Config.fromfile(path, format_python_code=False)
    except Exception as error:  # whatever a stranger's file makes mmengine raise
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f'{path} cannot be read as a config ({reason}): correct it.') from error
    if 'backbone' not in cfg.get('model', {}):
        raise UserError(f'{path} has no model with a backbone: give the config of a model.')
    cfg.model = left_of(cfg.model)
    return cfg


def fitting_configs(state_dict: dict[str, Tensor]) -> str:
    """The shipped configs whose model has these weights, in words.

    Without a head the backbones are compared (MAE has none). Those of the very same input come
    first: a position table fits other inputs, too.
    """
    fitting = {True: [], False: []}
    for name, model in _models(state_dict):
        own = counterpart(model, state_dict)
        if not differences(state_dict, own):
            table = state_dict['backbone.pos_embed']
            fitting[table.shape == model.backbone.pos_embed.shape] += [name]
    names = fitting[True] or fitting[False]
    if not names:
        return 'no config that is shipped'
    more = f' and {len(names) - 3} more' if len(names) > 3 else ''
    return ', '.join(names[:3]) + more


def counterpart(model: nn.Module, state_dict: dict[str, Tensor]) -> nn.Module:
    """The model, or its backbone alone for weights without a head (as those of MAE are)."""
    if has_head(state_dict):
        return model
    return nn.ModuleDict(dict(backbone=model.backbone))


def _models(state_dict: dict[str, Tensor]) -> Iterator[tuple[str, nn.Module]]:
    """Every shipped model with a head, of this depth and width; those of ``scale`` are others'."""
    layers = {key.split('.')[2] for key in state_dict if key.startswith('backbone.layers.')}
    size = len(layers), state_dict['backbone.pos_embed'].shape[-1]
    sizes = [f'-{name}' for name, arch in ARCHS.items() if arch[:2] == size]
    for name, path in shipped_configs().items():
        if path.parent.name not in ('mae', 'scale') and any(part in name for part in sizes):
            cfg = Config.fromfile(path, format_python_code=False)
            yield name, build_on_meta(left_of(cfg.model))


def build_on_meta(cfg: dict) -> nn.Module:
    """The model without its weights: names and shapes only."""
    with torch.device('meta'):
        return MODELS.build(cfg)
