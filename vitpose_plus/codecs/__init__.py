"""Codecs: keypoints to heatmaps, whole batches of heatmaps to keypoints, and grouping."""

from vitpose_plus.codecs.associative_embedding import BatchedAssociativeEmbedding
from vitpose_plus.codecs.heatmaps import BatchedMSRAHeatmap, BatchedUDPHeatmap

__all__ = ['BatchedAssociativeEmbedding', 'BatchedMSRAHeatmap', 'BatchedUDPHeatmap']
