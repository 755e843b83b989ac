"""An exported file as a network of mmpose, for ``predict`` and ``test``.

The estimators and the heads are those of mmpose and of this package. The file takes the place of
the backbone, and the heads do not compute layers.

Shapes: B crops, K keypoints of all datasets, k keypoints of one dataset, h w heatmaps.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.structures import InstanceData
from mmpose.codecs import MSRAHeatmap, UDPHeatmap
from mmpose.models.heads import HeatmapHead
from mmpose.models.heads.base_head import BaseHead
from mmpose.registry import MODELS
from mmpose.structures import PoseDataSample
from torch import Tensor, nn

from vitpose_plus.codecs import BatchedMSRAHeatmap, BatchedUDPHeatmap, BorderExactUDPHeatmap
from vitpose_plus.errors import UserError
from vitpose_plus.inference.engines.description import HEATMAPS, KEYPOINTS, Description
from vitpose_plus.inference.engines.engine import Engine
from vitpose_plus.inference.engines.opening import open_engine

# The codecs that a file may name. A file never chooses another class.
CODECS = {
    kind.__name__: kind
    for kind in (
        *(BatchedMSRAHeatmap, BatchedUDPHeatmap, BorderExactUDPHeatmap),
        *(MSRAHeatmap, UDPHeatmap),
    )
}


@MODELS.register_module()
class ExportedBackbone(nn.Module):
    """Runs an exported file.

    Args:
        file: The path of the file.
        device: The device of the engine. The file is opened by ``open`` or by the first batch.
        dtype: The type of the crops that the file expects.
    """

    def __init__(self, file: str, device: str, dtype: str) -> None:
        super().__init__()
        self.file, self.device, self.dtype = file, device, getattr(torch, dtype)
        self._engine: Engine | None = None

    def open(self) -> Engine:
        """Opens the file once, and returns its engine."""
        if self._engine is None:
            self._engine = open_engine(self.file, torch.device(self.device))
        return self._engine

    def forward(self, inputs: Tensor, dataset_index: Tensor | None = None) -> tuple[Tensor, ...]:
        """Crops (B, 3, height, width), and numbers of datasets (B,) -> the outputs of the file."""
        return self.open()(inputs.to(self.dtype), dataset_index)


@MODELS.register_module()
class ExportedPoints(BaseHead):
    """Returns the keypoints (B, K, 2) and scores (B, K) of a file as instances.

    Args:
        out_channels: k.
        decoder: Not used: the file has decoded its heatmaps.
    """

    def __init__(self, out_channels: int, decoder: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self.out_channels = out_channels

    def forward(self, feats: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """The keypoints (B, k, 2) and scores (B, k) of this dataset."""
        return tuple(feat[:, : self.out_channels] for feat in feats)

    def predict(
        self, feats: Any, batch_data_samples: list[PoseDataSample], test_cfg: Any = None
    ) -> list[InstanceData]:
        points, scores = (each.numpy() for each in self.forward(feats))
        return [
            InstanceData(keypoints=own[None].copy(), keypoint_scores=score[None].copy())
            for own, score in zip(points, scores, strict=True)
        ]

    def loss(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        raise NotImplementedError('An exported file cannot be trained.')


@MODELS.register_module()
class ExportedMaps(HeatmapHead):
    """Decodes the heatmaps (B, K, h, w) of a file.

    Args:
        out_channels: k.
        decoder: The codec.
    """

    def __init__(self, out_channels: int, decoder: Mapping[str, Any]) -> None:
        BaseHead.__init__(self)
        self.out_channels = out_channels
        self.decoder = codec_of(decoder)
        self.final_layer = nn.Identity()  # ``--quality`` records its outputs

    def forward(self, feats: tuple[Tensor, ...]) -> Tensor:
        """The heatmaps (B, k, h, w) of this dataset."""
        return self.final_layer(feats[-1][:, : self.out_channels])


HEADS = {KEYPOINTS: ExportedPoints, HEATMAPS: ExportedMaps}
INPUTS = {KEYPOINTS: 'uint8', HEATMAPS: 'float32'}


def codec_of(config: Mapping[str, Any]) -> Any:
    """Builds a codec of ``CODECS``; a ``UserError`` for any other."""
    arguments = dict(config)
    name = arguments.pop('type', None)
    if not isinstance(name, str) or name not in CODECS:
        raise UserError(
            f'The codec {name!r} of an exported file is unknown: export the model with --outputs '
            'keypoints, which needs no codec.'
        )
    try:
        return CODECS[name](**arguments)
    except Exception as error:  # wrong arguments can cause any error
        raise UserError(
            f'The codec {name} of an exported file has wrong arguments: export the model again.'
        ) from error


def network_config(
    path: str | Path,
    description: Description,
    device: torch.device,
    settings: Mapping[str, Any],
    own: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """The config of the network of an exported file.

    Args:
        path: The file.
        description: What it states about itself.
        device: The device of the engine.
        settings: ``test_cfg`` of the network.
        own: Dataset name -> its own settings for testing.

    Raises:
        UserError: The file is of a bottom-up model.
    """
    if description.outputs not in HEADS:
        raise UserError(
            f'{path} has the outputs {description.outputs!r}: predict and test run files with '
            f'{" or ".join(HEADS)} of a top-down model, so use the model itself.'
        )
    head = dict(type=HEADS[description.outputs].__name__)
    dtype = INPUTS[description.outputs]
    return dict(
        type='MultiDatasetTopdown' if description.has_experts else 'TopdownPoseEstimator',
        data_preprocessor=_preprocessor(description),
        backbone=dict(type='ExportedBackbone', file=str(path), device=str(device), dtype=dtype),
        head=_several(head, description, own)
        if description.has_experts
        else _one(head, description),
        test_cfg=dict(settings),
    )


def _one(head: dict[str, Any], description: Description) -> dict[str, Any]:
    part = description.datasets[0]
    return dict(head, out_channels=len(part.skeleton.names), decoder=dict(part.codec))


def _several(
    head: dict[str, Any], description: Description, own: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    heads = [
        dict(
            dataset=part.skeleton.dataset,
            num_keypoints=len(part.skeleton.names),
            codec=dict(part.codec),
            test_cfg=dict(own.get(part.skeleton.dataset, {})),
        )
        for part in description.datasets
    ]
    return dict(type='MultiDatasetHead', head=head, heads=heads)


def _preprocessor(description: Description) -> dict[str, Any]:
    """Pipelines make BGR crops; a file that normalises gets pixels."""
    order = dict(type='PoseDataPreprocessor', bgr_to_rgb=description.channels == 'rgb')
    if description.is_normalising:
        return order
    return dict(order, mean=list(description.mean), std=list(description.std))
