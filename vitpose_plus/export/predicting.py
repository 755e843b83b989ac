"""Predicts crops with a top-down model in torch, as ``predict`` does.

Shapes: N crops, K the largest number of keypoints of all datasets, k keypoints of one dataset,
h w heatmaps.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.dataset import pseudo_collate
from mmpose.models.pose_estimators import TopdownPoseEstimator
from mmpose.structures import PoseDataSample
from torch import Tensor
from torch.nn import functional as F

from vitpose_plus.export.crops import Crops
from vitpose_plus.inference.engines.description import Description

BATCH_SIZE = 8


def predicted(
    network: TopdownPoseEstimator, description: Description, crops: Crops
) -> tuple[Tensor, Tensor, Tensor]:
    """Returns heatmaps (N, K, h, w), keypoints (N, K, 2) in pixels of the crop, and scores (N, K).

    Values that a dataset does not have are zero.
    """
    outputs = []
    with _settings(network, description.flip_test):
        for start in range(0, len(crops), BATCH_SIZE):
            batch = crops.samples[start : start + BATCH_SIZE]
            outputs += network.test_step(pseudo_collate(batch))
    most = max(len(part.skeleton.names) for part in description.datasets)
    parts = zip(*map(_in_crop, outputs), strict=True)
    maps, points, scores = (torch.stack([_padded(each, most) for each in part]) for part in parts)
    return maps, points, scores


@contextmanager
def _settings(network: TopdownPoseEstimator, flip_test: bool) -> Iterator[None]:
    """Inside this context, the network predicts heatmaps too, with or without flip test."""
    wanted = dict(flip_test=flip_test, output_heatmaps=True)
    own = getattr(network.head, 'dataset_test_cfg', {})  # they override the network's settings
    before = network.test_cfg, dict(own)
    network.test_cfg = network.test_cfg | wanted
    own.update({name: settings | wanted for name, settings in own.items()})
    try:
        yield
    finally:
        network.test_cfg = before[0]
        own.update(before[1])


def _in_crop(sample: PoseDataSample) -> tuple[Tensor, Tensor, Tensor]:
    """Heatmaps (k, h, w), keypoints (k, 2) in pixels of the crop, and scores (k,)."""
    size, scale, centre = (
        torch.tensor(sample.metainfo[f'input_{key}']) for key in ('size', 'scale', 'center')
    )
    found = sample.pred_instances
    points = torch.tensor(found.keypoints[0]).double()
    points = (points - centre + 0.5 * scale) / scale * size
    return sample.pred_fields.heatmaps, points.float(), torch.tensor(found.keypoint_scores[0])


def _padded(values: Tensor, count: int) -> Tensor:
    """(k, ...) -> (count, ...)"""
    return F.pad(values, (0, 0) * (values.ndim - 1) + (0, count - len(values)))
