"""Refuses models that cannot be exported, before anything is computed."""

from collections.abc import Iterable, Mapping
from typing import Any

from mmengine.dataset import Compose
from mmpose.datasets.transforms import (
    GetBBoxCenterScale,
    LoadImage,
    PackPoseInputs,
    TopdownAffine,
)
from mmpose.registry import KEYPOINT_CODECS

from vitpose_plus.codecs.heatmaps import BatchedDecoding
from vitpose_plus.datasets.transforms import StretchedTopdownAffine
from vitpose_plus.errors import UserError
from vitpose_plus.inference.exported import ExportedModel
from vitpose_plus.inference.pose_model import PoseModel
from vitpose_plus.inference.quality import heads_of, obstacle
from vitpose_plus.models.multi_dataset import MultiDatasetTopdown

# ``predict`` makes the crops of a file with these steps, besides the steps that read a picture.
STEPS = (GetBBoxCenterScale, TopdownAffine, StretchedTopdownAffine, PackPoseInputs)


def refuse_file(model: PoseModel) -> None:
    """Raises a ``UserError`` for a model that is an exported file."""
    if isinstance(model, ExportedModel):
        raise UserError(
            f'{model.origin.model} is an exported file: give the model from which it was exported.'
        )


def refuse_several_datasets(model: PoseModel) -> None:
    """Raises a ``UserError`` for one head with several datasets, which may differ."""
    if len(model.skeletons) > 1 and not isinstance(model.network, MultiDatasetTopdown):
        raise UserError(
            f'{model.origin.model} has one head for several datasets: choose one of '
            f'{", ".join(model.skeletons)} with --dataset.'
        )


def check_heads(model: PoseModel) -> None:
    """Raises a ``UserError`` if a top-down model does not decode one heatmap per keypoint."""
    if reason := obstacle(model):
        raise UserError(
            f'{model.origin.model} {reason}, but export needs a model that predicts one heatmap '
            'per keypoint (HeatmapHead): give another model.'
        )
    if any(head.decoder is None for head in heads_of(model.network)):
        raise UserError(
            f'The head of {model.origin.model} has no decoder, which decodes the heatmaps: add '
            'model.head.decoder to the config.'
        )


def check_settings(settings: Iterable[Mapping[str, Any]], flip_test: bool) -> None:
    """Raises a ``UserError`` if a file cannot compute as these settings for testing require."""
    for each in settings:
        if flip_test and each.get('flip_mode', 'heatmap') != 'heatmap':
            raise UserError(
                "The config's test_cfg.flip_mode must be 'heatmap' for --flip-test: change it, or "
                'leave out --flip-test.'
            )
        if each.get('output_keypoint_indices') is not None:
            raise UserError(
                "The config's test_cfg.output_keypoint_indices selects some of the keypoints, but "
                'a file has all keypoints: remove it.'
            )


def check_codec(codec: Mapping[str, Any]) -> None:
    """Raises a ``UserError`` if a codec does not decode tensors."""
    kind = KEYPOINT_CODECS.get(codec['type'])
    if not issubclass(kind, BatchedDecoding):
        raise UserError(
            f'The codec {codec["type"]} cannot be exported: use --outputs heatmaps, or a codec of '
            'vitpose_plus (BatchedUDPHeatmap, BorderExactUDPHeatmap, BatchedMSRAHeatmap).'
        )


def check_steps(dataset: str, pipeline: Compose) -> None:
    """Raises a ``UserError`` if ``predict`` cannot make the crops of a file with this pipeline."""
    for step in pipeline.transforms:
        if not isinstance(step, LoadImage) and type(step) not in STEPS:
            raise UserError(
                f'The test pipeline of {dataset} has the step {type(step).__name__}, which predict '
                f'does not repeat for a file: remove it (allowed are LoadImage, '
                f'{", ".join(kind.__name__ for kind in STEPS)}).'
            )
    if not any(isinstance(step, TopdownAffine) for step in pipeline.transforms):
        raise UserError(
            f'The pipeline of {dataset} has no TopdownAffine, so the size of the crops is unknown: '
            'add it.'
        )
