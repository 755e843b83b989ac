"""Builds models without weights; the parts of their configs that are used after training."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from mmengine.registry import Registry
from mmpose.registry import KEYPOINT_CODECS, MODELS
from torch import nn

from vitpose_plus.errors import UserError, reason
from vitpose_plus.models.arguments import registered, wrong_arguments


def build_on_meta(cfg: dict) -> nn.Module:
    """Builds a model whose parameters have names and shapes, but no values.

    Raises:
        UserError: The model cannot be built.
    """
    try:
        with torch.device('meta'):
            return MODELS.build(cfg)
    except UserError:
        raise
    except Exception as error:  # a wrong argument can cause any error
        problem = next(_wrong_parts(cfg, 'model', MODELS), None)
        raise UserError(
            problem or f'The model cannot be built ({reason(error)}): correct its config.'
        ) from error


def _wrong_parts(cfg: dict | list, where: str, registry: Registry) -> Iterator[str]:
    """Yields the mistakes in the config of a model that could not be built, inner parts first."""
    for key, part in cfg.items() if isinstance(cfg, dict) else enumerate(cfg):
        if isinstance(part, dict | list | tuple):
            yield from _wrong_parts(part, f'{where}.{key}', registry)
        elif key in ('backbone', 'neck', 'head', 'data_preprocessor') and part is not None:
            yield f'{where}.{key} is {part!r}: give a dict of its type and arguments.'
    if isinstance(cfg, dict) and 'type' in cfg:
        codec = registered(cfg['type'], KEYPOINT_CODECS, cfg.get('_scope_'))
        yield from wrong_arguments(cfg, where, KEYPOINT_CODECS if codec else registry)


def deployment_config(model: dict) -> dict:
    """Returns the config of the deployed model, without the parts that only training needs.

    Such parts are a teacher and a knowledge token.

    Args:
        model: The config of any model. Most configs have no such parts and are returned unchanged.
    """
    kind = MODELS.get(model['type'])
    if not hasattr(kind, 'deployed_type'):
        return model
    training_only = getattr(kind, 'training_only', ())
    kept = {key: value for key, value in model.items() if key not in training_only}
    return dict(kept, type=kind.deployed_type.__name__)


def test_settings(model: Mapping, head: Mapping) -> dict[str, Any]:
    """Returns the settings for testing of one dataset.

    Args:
        model: The config of a model for several datasets.
        head: The dataset's entry in ``heads``; its settings replace those of the model.
    """
    return {**(model.get('test_cfg') or {}), **(head.get('test_cfg') or {})}
