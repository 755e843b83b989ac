"""Runs a config: checks before the run, and additions to mmengine's runner."""

from vitpose_plus.engine.best_copy import BestCopyHook
from vitpose_plus.engine.compiling import CompileHook
from vitpose_plus.engine.early_stopping import ResumableEarlyStoppingHook
from vitpose_plus.engine.finite_steps import FiniteStepsHook
from vitpose_plus.engine.hints import ResultHintsHook
from vitpose_plus.engine.precision import Bf16OptimWrapper
from vitpose_plus.engine.resuming import ExactTrainLoop, ResumableSampler, SeededDataset
from vitpose_plus.engine.saving import WholeCheckpointHook
from vitpose_plus.engine.sharding import (
    ShardedCheckpointGuardHook,
    ShardedStrategy,
    is_transformer_layer,
)

__all__ = [
    'BestCopyHook',
    'Bf16OptimWrapper',
    'CompileHook',
    'ExactTrainLoop',
    'FiniteStepsHook',
    'ResultHintsHook',
    'ResumableEarlyStoppingHook',
    'ResumableSampler',
    'SeededDataset',
    'ShardedCheckpointGuardHook',
    'ShardedStrategy',
    'WholeCheckpointHook',
    'is_transformer_layer',
]
