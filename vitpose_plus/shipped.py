"""The configs that come with the package, found by name or by the weights they fit."""

import difflib
import os.path as osp
from collections.abc import Iterator
from pathlib import Path

import torch
from mmengine.config import Config
from mmpose.registry import MODELS
from torch import Tensor, nn

import vitpose_plus
from vitpose_plus.checkpoints.guard import differences
from vitpose_plus.errors import UserError

PARTS = ('_base_', 'datasets')  # folders of what configs are made of


def shipped_configs() -> dict[str, Path]:
    """Name -> file of every config that is an experiment."""
    folder = Path(vitpose_plus.__file__).parent / '.mim' / 'configs'
    files = sorted(folder.resolve().rglob('*.py'))
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


def fitting_configs(state_dict: dict[str, Tensor]) -> list[str]:
    """The shipped configs whose model has these weights, or whose backbone has, without a head."""
    return [
        name
        for name, model in _models()
        if not differences(state_dict, counterpart(model, state_dict))
    ]


def counterpart(model: nn.Module, state_dict: dict[str, Tensor]) -> nn.Module:
    """The model, or its backbone alone for weights without a head (as those of MAE are)."""
    if any(name.startswith('head.') for name in state_dict):
        return model
    return nn.ModuleDict(dict(backbone=model.backbone))


def _models() -> Iterator[tuple[str, nn.Module]]:
    for name, path in shipped_configs().items():
        cfg = Config.fromfile(path, format_python_code=False)
        yield name, build_on_meta(cfg.model)


def build_on_meta(cfg: dict) -> nn.Module:
    """The model without its weights: names and shapes only."""
    with torch.device('meta'):
        return MODELS.build(cfg)
