from vitpose_plus.models.attention import FullAttention
from vitpose_plus.models.ffn import ExpertLinear, PartiallySharedFFN, SharedFFN
from vitpose_plus.models.heads import MultiDatasetHead, WholeBatchMultiDatasetHead
from vitpose_plus.models.multi_dataset import MultiDatasetTopdown
from vitpose_plus.models.vit import ViT

__all__ = [
    'ExpertLinear',
    'FullAttention',
    'MultiDatasetHead',
    'MultiDatasetTopdown',
    'PartiallySharedFFN',
    'SharedFFN',
    'ViT',
    'WholeBatchMultiDatasetHead',
]
