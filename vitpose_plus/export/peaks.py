"""Decodes heatmaps, and finds the peaks whose places do not depend on rounding.

Shapes: N crops, K the largest number of keypoints of all datasets, h w heatmaps.
"""

import torch
from mmpose.registry import KEYPOINT_CODECS
from torch import Tensor

from vitpose_plus.inference.engines.description import Description

# A clear peak has at least this height, and no value outside of 5x5 pixels is higher than a part of
# it. Noise of a part of its height moves its place by at most so many pixels of the crop. The
# places of other peaks depend on rounding.
CLEAR_HEIGHT, RIVAL, NOISE, CLEAR_PX = 0.1, 0.99, 1e-4, 0.05
DRAWS = 4


def clear_peaks(maps: Tensor, points: Tensor, numbers: Tensor, description: Description) -> Tensor:
    """Whether the peaks of heatmaps (N, K, h, w) with these keypoints are clear (N, K)."""
    h, w = maps.shape[-2:]
    heights, index = maps.flatten(2).max(-1)
    x, y = (index % w)[..., None, None], (index // w)[..., None, None]
    is_near = (torch.arange(w) - x).abs().maximum((torch.arange(h)[:, None] - y).abs()) <= 2
    rivals = maps.masked_fill(is_near, -torch.inf).flatten(2).amax(-1)
    is_clear = (heights >= CLEAR_HEIGHT) & (rivals <= RIVAL * heights)
    noise = torch.Generator().manual_seed(0)
    for _ in range(DRAWS):
        change = torch.randn(maps.shape, generator=noise) * (NOISE * heights)[..., None, None]
        moved = decode(maps + change, numbers, description) - points
        is_clear &= moved.norm(dim=-1) <= CLEAR_PX
    return is_clear


def decode(maps: Tensor, numbers: Tensor, description: Description) -> Tensor:
    """Heatmaps (N, K, h, w) -> keypoints (N, K, 2), by the codec of each crop's dataset.

    Keypoints that a dataset does not have are zero.
    """
    points = maps.new_zeros(*maps.shape[:2], 2)
    for number, part in enumerate(description.datasets):
        codec = KEYPOINT_CODECS.build(dict(part.codec))
        count = len(part.skeleton.names)
        for row in (numbers == number).nonzero()[:, 0]:
            found, _ = codec.decode(maps[row, :count].numpy())
            points[row, :count] = torch.from_numpy(found[0])
    return points
