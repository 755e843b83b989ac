from vitpose_plus.evaluation.bottom_up import grouping_ceiling
from vitpose_plus.evaluation.ceiling import decoding_ceiling, headlines
from vitpose_plus.evaluation.datasetwise import DatasetwiseEvaluator
from vitpose_plus.evaluation.mpii import ZeroBasedMpiiPCKAccuracy

__all__ = [
    'DatasetwiseEvaluator',
    'ZeroBasedMpiiPCKAccuracy',
    'decoding_ceiling',
    'grouping_ceiling',
    'headlines',
]
