"""Between keypoints and heatmaps: encoding, decoding of whole batches, grouping into people."""

from vitpose_plus.codecs.associative_embedding import BatchedAssociativeEmbedding
from vitpose_plus.codecs.heatmaps import BatchedMSRAHeatmap, BatchedUDPHeatmap

__all__ = ['BatchedAssociativeEmbedding', 'BatchedMSRAHeatmap', 'BatchedUDPHeatmap']
