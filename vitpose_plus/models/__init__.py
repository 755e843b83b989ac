from vitpose_plus.models.attention import (
    FullAttention,
    PoolingWindowAttention,
    ShiftedPoolingWindowAttention,
    ShiftedWindowAttention,
    WindowAttention,
)
from vitpose_plus.models.bottom_up import (
    BatchedAssociativeEmbeddingLoss,
    BottomUpHead,
    SinePositionViT,
)
from vitpose_plus.models.distill import DistilledMultiDatasetTopdown, DistilledTopdown
from vitpose_plus.models.ffn import (
    ExpertLinear,
    IndividualFFN,
    IndividualSharedFFN,
    PartiallySharedFFN,
    SharedFFN,
)
from vitpose_plus.models.heads import MultiDatasetHead, WholeBatchMultiDatasetHead
from vitpose_plus.models.knowledge_token import (
    KnowledgeToken,
    MappedKnowledgeToken,
    TokenMultiDatasetTopdown,
    TokenTopdown,
)
from vitpose_plus.models.mae import MaskedAutoencoder
from vitpose_plus.models.mae_decoder import MaskedDecoder
from vitpose_plus.models.multi_dataset import MultiDatasetTopdown
from vitpose_plus.models.positions import RelativePosition
from vitpose_plus.models.vit import ViT
from vitpose_plus.models.vitae import ParallelConvolution, ViTAE

__all__ = [
    'BatchedAssociativeEmbeddingLoss',
    'BottomUpHead',
    'DistilledMultiDatasetTopdown',
    'DistilledTopdown',
    'ExpertLinear',
    'FullAttention',
    'IndividualFFN',
    'IndividualSharedFFN',
    'KnowledgeToken',
    'MappedKnowledgeToken',
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
    'TokenMultiDatasetTopdown',
    'TokenTopdown',
    'ViT',
    'ViTAE',
    'WholeBatchMultiDatasetHead',
    'WindowAttention',
]
