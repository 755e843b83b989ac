"""Models from their configs: as names and shapes only, and as they are left after training."""

import torch
from mmpose.registry import MODELS
from torch import nn


def build_on_meta(cfg: dict) -> nn.Module:
    """The model without its weights: names and shapes only."""
    with torch.device('meta'):
        return MODELS.build(cfg)


def deployment_config(model: dict) -> dict:
    """The config of the model that is left when a training has ended: without teacher and token.

    Args:
        model: The config of any model; most are left as they are.
    """
    kind = MODELS.get(model['type'])
    if not hasattr(kind, 'deployed_type'):
        return model
    training_only = getattr(kind, 'training_only', ())
    kept = {key: value for key, value in model.items() if key not in training_only}
    return dict(kept, type=kind.deployed_type.__name__)
