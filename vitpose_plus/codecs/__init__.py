"""Codecs encode keypoints as heatmaps, decode batches of heatmaps, and group keypoints."""

from vitpose_plus.codecs.associative_embedding import BatchedAssociativeEmbedding
from vitpose_plus.codecs.borders import BorderExactUDPHeatmap
from vitpose_plus.codecs.heatmaps import BatchedMSRAHeatmap, BatchedUDPHeatmap

__all__ = [
    'BatchedAssociativeEmbedding',
    'BatchedMSRAHeatmap',
    'BatchedUDPHeatmap',
    'BorderExactUDPHeatmap',
]
