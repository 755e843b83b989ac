"""The modules that predict heatmaps from crops, for graphs.

Shapes: B crops, K the largest number of keypoints of all datasets, h w heatmaps. The numbers of the
datasets are int64 (B,).
"""

import torch
from mmpose.models.pose_estimators import BottomupPoseEstimator, TopdownPoseEstimator
from mmpose.models.pose_estimators.base import BasePoseEstimator
from torch import Tensor, nn
from torch.nn import functional as F

from vitpose_plus.inference.engines.description import Description
from vitpose_plus.models.multi_dataset import MultiDatasetTopdown


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


class Features(nn.Module):
    """Has the parts of an estimator that predict features from crops."""

    def __init__(self, network: BasePoseEstimator, prepare: Preparation) -> None:
        super().__init__()
        self.prepare, self.backbone = prepare, network.backbone
        self.neck = network.neck if network.with_neck else nn.Identity()

    def features(self, crops: Tensor, *dataset: Tensor) -> tuple[Tensor, ...]:
        """Crops (B, 3, height, width), and numbers of datasets for experts -> feature maps."""
        return self.neck(self.backbone(self.prepare(crops), *dataset))


class Heatmaps(Features):
    """Predicts the heatmaps (B, K, h, w) of a model for one dataset."""

    def __init__(self, network: TopdownPoseEstimator, prepare: Preparation) -> None:
        super().__init__(network, prepare)
        self.head = network.head

    def forward(self, crops: Tensor, dataset: Tensor | None = None) -> Tensor:
        return self.head(self.features(crops)).float()


class HeatmapsAndTags(Features):
    """Predicts heatmaps (B, K, h, w) and tags of a bottom-up model."""

    def __init__(self, network: BottomupPoseEstimator, prepare: Preparation) -> None:
        super().__init__(network, prepare)
        self.head = network.head

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        heatmaps, tags = self.head(self.features(crops))
        return heatmaps.float(), tags.float()


class ExpertHeatmaps(Features):
    """Predicts the heatmaps (B, K, h, w) of a model for several datasets.

    Each crop runs through the expert and the decoder of its dataset. The maps that a dataset with
    fewer keypoints does not have are zero.
    """

    def __init__(self, network: MultiDatasetTopdown, prepare: Preparation) -> None:
        super().__init__(network, prepare)
        self.decoders = nn.ModuleList(network.head.decoders.values())
        self.num_maps = max(decoder.out_channels for decoder in self.decoders)

    def forward(self, crops: Tensor, dataset: Tensor) -> Tensor:
        feats = self.features(crops, dataset)
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


def channels_of(network: nn.Module) -> str:
    """The order of the channels that the network expects; pictures are read as ``bgr``."""
    return 'rgb' if network.data_preprocessor._channel_conversion else 'bgr'
