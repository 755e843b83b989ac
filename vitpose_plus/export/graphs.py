"""The modules that are exported: from crops to heatmaps or keypoints.

They compute the same as ``predict`` and ``test``, with tensors only.

Shapes: B crops, D datasets, K the largest number of keypoints of all datasets, h w heatmaps. The
numbers of the datasets are int64 (B,). Without experts they are missing, and D is 1.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

import torch
from mmpose.models.pose_estimators import BottomupPoseEstimator, TopdownPoseEstimator
from mmpose.registry import KEYPOINT_CODECS
from torch import Tensor, nn
from torch.nn import functional as F

from vitpose_plus.inference.engines.description import HEATMAPS, KEYPOINTS, TAGS, Description
from vitpose_plus.models.multi_dataset import MultiDatasetTopdown

DTYPES = {'fp16': torch.float16}  # of the network; all others are float32


class Preparation(nn.Module):
    """Converts crops (B, 3, height, width) of any type to the input of the network.

    Args:
        network: The estimator, whose data preprocessor has the order of the channels.
        description: The order of the crops' channels, and whether they are normalised here.
        dtype: The type of the network's input.
    """

    def __init__(self, network: nn.Module, description: Description, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype = dtype
        self.is_reversing = description.channels != channels_of(network)
        scale = (description.mean, description.std) if description.is_normalising else (0.0, 1.0)
        mean, std = (torch.tensor(value, dtype=torch.float32).view(-1, 1, 1) for value in scale)
        self.register_buffer('mean', mean)
        self.register_buffer('std', std)

    def forward(self, crops: Tensor) -> Tensor:
        crops = (crops.float() - self.mean) / self.std
        return (crops.flip(1) if self.is_reversing else crops).to(self.dtype)


class Heatmaps(nn.Module):
    """Predicts the heatmaps (B, K, h, w) of a model for one dataset."""

    def __init__(self, network: TopdownPoseEstimator, prepare: Preparation) -> None:
        super().__init__()
        self.prepare, self.backbone, self.head = prepare, network.backbone, network.head
        self.neck = network.neck if network.with_neck else nn.Identity()

    def forward(self, crops: Tensor, dataset: Tensor | None = None) -> Tensor:
        return self.head(self.neck(self.backbone(self.prepare(crops)))).float()


class ExpertHeatmaps(nn.Module):
    """Predicts the heatmaps (B, K, h, w) of a model for several datasets.

    Each crop runs through the expert and the decoder of its dataset. The maps that a dataset with
    fewer keypoints does not have are zero.
    """

    def __init__(self, network: MultiDatasetTopdown, prepare: Preparation) -> None:
        super().__init__()
        self.prepare, self.backbone = prepare, network.backbone
        self.neck = network.neck if network.with_neck else nn.Identity()
        self.decoders = nn.ModuleList(network.head.decoders.values())
        self.num_maps = max(decoder.out_channels for decoder in self.decoders)

    def forward(self, crops: Tensor, dataset: Tensor) -> Tensor:
        feats = self.neck(self.backbone(self.prepare(crops), dataset))
        rows, maps = [], []
        for number, decoder in enumerate(self.decoders):
            own = torch.nonzero(dataset == number)[:, 0]  # may be none
            part = tuple(feat[own] for feat in feats)
            if torch.compiler.is_compiling():  # the tracer must not branch on the number of rows
                for feat in part:
                    torch._check(feat.numel() != 0)
            predicted = decoder(part)
            missing = self.num_maps - predicted.shape[1]
            rows.append(own)
            maps.append(F.pad(predicted, (0, 0, 0, 0, 0, missing)).float())
        out = maps[0].new_zeros(crops.shape[0], *maps[0].shape[1:])
        for own, predicted in zip(rows, maps, strict=True):
            out = out.index_put((own,), predicted)
        return out


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


class HeatmapsAndTags(nn.Module):
    """Predicts heatmaps (B, K, h, w) and tags of a bottom-up model."""

    def __init__(self, network: BottomupPoseEstimator, prepare: Preparation) -> None:
        super().__init__()
        self.prepare, self.backbone, self.head = prepare, network.backbone, network.head
        self.neck = network.neck if network.with_neck else nn.Identity()

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        heatmaps, tags = self.head(self.neck(self.backbone(self.prepare(crops))))
        return heatmaps.float(), tags.float()


def channels_of(network: nn.Module) -> str:
    """The order of the channels that the network expects; pictures are read as ``bgr``."""
    return 'rgb' if network.data_preprocessor._channel_conversion else 'bgr'


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
    return MirrorAverage(maps, _flips(description), torch.tensor(_shifts(network, description)))


def _keypoints(network: nn.Module, prepare: Preparation, description: Description) -> nn.Module:
    counts = torch.tensor([len(part.skeleton.names) for part in description.datasets])
    is_keypoint = torch.arange(int(counts.max())) < counts[:, None]
    codecs = [part.codec for part in description.datasets]
    maps = _maps(network, prepare, description)
    return Keypoints(maps, codecs if description.has_experts else codecs[:1], is_keypoint)


def _tags(network: nn.Module, prepare: Preparation, description: Description) -> nn.Module:
    return HeatmapsAndTags(network, prepare)


OUTPUTS = {KEYPOINTS: _keypoints, HEATMAPS: _maps, TAGS: _tags}


def _flips(description: Description) -> Tensor:
    """(D, K): keypoints that a dataset does not have stay in their place."""
    flips = [part.skeleton.flips for part in description.datasets]
    most = max(map(len, flips))
    return torch.tensor([[*each, *range(len(each), most)] for each in flips])


def _shifts(network: nn.Module, description: Description) -> list[bool]:
    own = getattr(network.head, 'dataset_test_cfg', {})
    settings = (network.test_cfg | own.get(name, {}) for name in description.names)
    return [bool(setting.get('shift_heatmap', False)) for setting in settings]
