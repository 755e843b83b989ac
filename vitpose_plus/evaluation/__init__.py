"""Metrics, the scores of exact predictions, and the costs of models."""

from vitpose_plus.evaluation.ceilings import (
    decoding_ceiling,
    grouping_ceiling,
    headlines,
    main_metrics,
)
from vitpose_plus.evaluation.metrics import DatasetwiseEvaluator, ZeroBasedMpiiPCKAccuracy

__all__ = [
    'DatasetwiseEvaluator',
    'ZeroBasedMpiiPCKAccuracy',
    'decoding_ceiling',
    'grouping_ceiling',
    'headlines',
    'main_metrics',
]
