from vitpose_plus.evaluation.ceiling import decoding_ceiling, headlines
from vitpose_plus.evaluation.datasetwise import DatasetwiseEvaluator

__all__ = ['DatasetwiseEvaluator', 'decoding_ceiling', 'headlines']
