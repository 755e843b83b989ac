"""The modules that are exported: from crops to heatmaps or keypoints.

They compute the same as ``predict`` and ``test``, with tensors only.

Shapes: B crops, D datasets, K the largest number of keypoints of all datasets, h w heatmaps. The
numbers of the datasets are int64 (B,). Without experts they are missing, and D is 1.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

import torch
from mmpose.registry import KEYPOINT_CODECS
from torch import Tensor, nn

from vitpose_plus.export.heatmaps import ExpertHeatmaps, Heatmaps, HeatmapsAndTags, Preparation
from vitpose_plus.inference.engines.description import HEATMAPS, KEYPOINTS, TAGS, Description

DTYPES = {'fp16': torch.float16}  # of the network; all others are float32


class MirrorAverage(nn.Module):
    """Averages the heatmaps of the crops and of the mirrored crops, as mmpose's flip test.

    Args:
        maps: Predicts heatmaps.
        flips: For each dataset, the number of the keypoint that every keypoint becomes in the
            mirrored crop (D, K).
        shifts: For each dataset, whether the mirrored maps are shifted by one pixel (D,).
    """

    def __init__(self, maps: nn.Module, flips: Tensor, shifts: Tensor) -> None:
        super().__init__()
        self.maps = maps
        self.register_buffer('flips', flips)
        self.register_buffer('shifts', shifts)

    def forward(self, crops: Tensor, dataset: Tensor | None = None) -> Tensor:
        twice = None if dataset is None else dataset.repeat(2)
        both = self.maps(torch.cat([crops, crops.flip(-1)]), twice)
        maps, mirrored = both[: crops.shape[0]], both[crops.shape[0] :]
        flips, shifts = (
            each[:1] if dataset is None else each[dataset] for each in (self.flips, self.shifts)
        )
        mirrored = mirrored.gather(1, flips[:, :, None, None].expand_as(mirrored)).flip(-1)
        shifted = torch.cat([mirrored[..., :1], mirrored[..., :-1]], -1)
        return (maps + torch.where(shifts[:, None, None, None], shifted, mirrored)) * 0.5


class Keypoints(nn.Module):
    """Decodes the heatmaps as in testing: keypoints (B, K, 2) in pixels of the crop, scores (B, K).

    Args:
        maps: Predicts heatmaps.
        codecs: The codec of each dataset.
        is_keypoint: Whether a dataset has this keypoint (D, K); all others are zero.
    """

    def __init__(
        self, maps: nn.Module, codecs: Sequence[Mapping[str, Any]], is_keypoint: Tensor
    ) -> None:
        super().__init__()
        self.maps = maps
        different = [codec for i, codec in enumerate(codecs) if codec not in codecs[:i]]
        self.codecs = [KEYPOINT_CODECS.build(dict(codec)) for codec in different]
        numbers = torch.tensor([different.index(codec) for codec in codecs])
        self.register_buffer('numbers', numbers)
        self.register_buffer('is_keypoint', is_keypoint)

    def forward(self, crops: Tensor, dataset: Tensor | None = None) -> tuple[Tensor, Tensor]:
        maps = self.maps(crops, dataset)
        points, scores = self.codecs[0].locate(maps)
        for number, codec in enumerate(self.codecs[1:], start=1):
            own = (self.numbers[dataset] == number)[:, None]
            others = codec.locate(maps)
            points = torch.where(own[..., None], others[0], points)
            scores = torch.where(own, others[1], scores)
        if dataset is not None:
            points = torch.where(self.is_keypoint[dataset][..., None], points, 0.0)
        return points, scores


def graph_of(network: nn.Module, description: Description) -> nn.Module:
    """Returns the module that is exported, in evaluation mode.

    Its inputs and outputs are those of ``Description``. It has the parts of ``network`` itself;
    for ``fp16`` it has copies of them in half precision.
    """
    dtype = DTYPES.get(description.precision)
    prepare = Preparation(network, description, dtype or torch.float32)
    network = deepcopy(network).to(dtype) if dtype else network
    return OUTPUTS[description.outputs](network, prepare, description).eval()


def _maps(network: nn.Module, prepare: Preparation, description: Description) -> nn.Module:
    kind = ExpertHeatmaps if description.has_experts else Heatmaps
    maps = kind(network, prepare)
    if not description.flip_test:
        return maps
    shifts = torch.tensor([part.shift_heatmap for part in description.datasets])
    return MirrorAverage(maps, _flips(description), shifts)


def _keypoints(network: nn.Module, prepare: Preparation, description: Description) -> nn.Module:
    counts = torch.tensor([len(part.skeleton.names) for part in description.datasets])
    is_keypoint = torch.arange(int(counts.max())) < counts[:, None]
    codecs = [part.codec for part in description.datasets]
    maps = _maps(network, prepare, description)
    return Keypoints(maps, codecs, is_keypoint)


def _tags(network: nn.Module, prepare: Preparation, description: Description) -> nn.Module:
    return HeatmapsAndTags(network, prepare)


OUTPUTS = {KEYPOINTS: _keypoints, HEATMAPS: _maps, TAGS: _tags}


def _flips(description: Description) -> Tensor:
    """(D, K): keypoints that a dataset does not have stay in their place."""
    flips = [part.skeleton.flips for part in description.datasets]
    most = max(map(len, flips))
    return torch.tensor([[*each, *range(len(each), most)] for each in flips])
