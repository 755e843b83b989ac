from vitpose_plus.models.attention import FullAttention
from vitpose_plus.models.ffn import ExpertLinear, PartiallySharedFFN, SharedFFN
from vitpose_plus.models.multi_dataset import MultiDatasetHead, MultiDatasetTopdown
from vitpose_plus.models.vit import ViT

__all__ = [
    'ExpertLinear',
    'FullAttention',
    'MultiDatasetHead',
    'MultiDatasetTopdown',
    'PartiallySharedFFN',
    'SharedFFN',
    'ViT',
]
