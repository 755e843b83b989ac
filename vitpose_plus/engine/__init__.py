"""Running a config: what is checked before, and what mmengine's runner lacks."""

from vitpose_plus.engine.precision import Bf16OptimWrapper
from vitpose_plus.engine.sharding import (
    ShardedCheckpointGuardHook,
    ShardedStrategy,
    is_transformer_layer,
)

__all__ = [
    'Bf16OptimWrapper',
    'ShardedCheckpointGuardHook',
    'ShardedStrategy',
    'is_transformer_layer',
]
