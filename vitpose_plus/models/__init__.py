"""The networks: backbones, kinds of attention, FFNs, heads and masked autoencoders."""

from vitpose_plus.models.attention import (
    FullAttention,
    PoolingWindowAttention,
    ShiftedPoolingWindowAttention,
    ShiftedWindowAttention,
    WindowAttention,
)
from vitpose_plus.models.bottom_up import BottomUpHead
from vitpose_plus.models.ffn import (
    ExpertLinear,
    IndividualFFN,
    IndividualSharedFFN,
    PartiallySharedFFN,
    SharedFFN,
)
from vitpose_plus.models.heads import MultiDatasetHead, WholeBatchMultiDatasetHead
from vitpose_plus.models.mae import MaskedAutoencoder
from vitpose_plus.models.mae_decoder import MaskedDecoder
from vitpose_plus.models.multi_dataset import MultiDatasetTopdown
from vitpose_plus.models.positions import RelativePosition
from vitpose_plus.models.tag_loss import BatchedAssociativeEmbeddingLoss
from vitpose_plus.models.vit import SinePositionViT, ViT
from vitpose_plus.models.vitae import ParallelConvolution, ViTAE

__all__ = [
    'BatchedAssociativeEmbeddingLoss',
    'BottomUpHead',
    'ExpertLinear',
    'FullAttention',
    'IndividualFFN',
    'IndividualSharedFFN',
    'MaskedAutoencoder',
    'MaskedDecoder',
    'MultiDatasetHead',
    'MultiDatasetTopdown',
    'ParallelConvolution',
    'PartiallySharedFFN',
    'PoolingWindowAttention',
    'RelativePosition',
    'SharedFFN',
    'ShiftedPoolingWindowAttention',
    'ShiftedWindowAttention',
    'SinePositionViT',
    'ViT',
    'ViTAE',
    'WholeBatchMultiDatasetHead',
    'WindowAttention',
]
