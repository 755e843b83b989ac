"""From heatmaps to keypoints."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from mmpose.registry import KEYPOINT_CODECS
from torch import Tensor

KEYPOINT_COUNTS = (17, 133)  # of COCO and of COCO-WholeBody
BATCH = 64  # people
HEATMAP_WH = (48, 64)
SIGMA = 2.0  # heatmap pixels


def gaussians(keypoints: int, device: torch.device) -> Tensor:
    """Heatmaps (64, keypoints, 64, 48), float32: Gaussians at random places."""
    generator = torch.Generator().manual_seed(0)
    width, height = HEATMAP_WH
    places = torch.rand(2, BATCH, keypoints, 1, 1, generator=generator)
    x = torch.arange(width) - places[0] * (width - 1)
    y = torch.arange(height)[:, None] - places[1] * (height - 1)
    return torch.exp(-(x**2 + y**2) / (2 * SIGMA**2)).to(device)


def codec_of(kind: str) -> Any:
    """A codec of heatmaps of 48x64 pixels."""
    width, height = HEATMAP_WH
    size = dict(input_size=(4 * width, 4 * height), heatmap_size=HEATMAP_WH, sigma=SIGMA)
    return KEYPOINT_CODECS.build(dict(type=kind, **size))


def one_by_one(codec: Any, heatmaps: Tensor) -> None:
    """Decodes as mmpose's heads do if a codec decodes no batches: each sample alone."""
    for each in heatmaps:
        codec.decode(each.detach().cpu().numpy())


def decoding(codec: Any, heatmaps: Callable[[], Tensor]) -> Callable[[], object]:
    """Computes heatmaps and decodes them."""
    return partial(_decode, codec, heatmaps)


@torch.inference_mode()
def _decode(codec: Any, heatmaps: Callable[[], Tensor]) -> object:
    return codec.batch_decode(heatmaps())
