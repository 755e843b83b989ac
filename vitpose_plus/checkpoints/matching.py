"""Which of the configs that come along have a model with these weights."""

from collections.abc import Iterator

from mmengine.config import Config
from torch import Tensor, nn

from vitpose_plus.checkpoints.guard import differences
from vitpose_plus.checkpoints.layouts.heads import has_head
from vitpose_plus.experiments.catalogue import shipped_configs
from vitpose_plus.models.building import build_on_meta, deployment_config
from vitpose_plus.models.vit import ARCHS


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
            yield name, build_on_meta(deployment_config(cfg.model))
