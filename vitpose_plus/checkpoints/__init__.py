"""Reads checkpoint files, checks them against a model, and translates, splits or expands them."""

from vitpose_plus.checkpoints.converting import convert
from vitpose_plus.checkpoints.expert_starts import (
    PretrainedDecoder,
    PretrainedExpert,
    PretrainedMeanExpert,
)
from vitpose_plus.checkpoints.guard import CheckpointGuardHook, check_file, check_fit
from vitpose_plus.checkpoints.initialising import PretrainedBackbone
from vitpose_plus.checkpoints.loading import load_from_local
from vitpose_plus.checkpoints.splitting import expand, split

__all__ = [
    'CheckpointGuardHook',
    'PretrainedBackbone',
    'PretrainedDecoder',
    'PretrainedExpert',
    'PretrainedMeanExpert',
    'check_file',
    'check_fit',
    'convert',
    'expand',
    'load_from_local',
    'split',
]
