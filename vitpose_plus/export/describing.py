"""From a model and the options of ``export`` to the description of the file."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from mmengine.config import ConfigDict
from mmpose.datasets.transforms import BottomupResize, TopdownAffine
from mmpose.models.pose_estimators import BottomupPoseEstimator, TopdownPoseEstimator
from torch import nn

from vitpose_plus.datasets.transforms import StretchedTopdownAffine
from vitpose_plus.errors import UserError
from vitpose_plus.export.heatmaps import channels_of
from vitpose_plus.export.refusing import (
    check_codec,
    check_heads,
    check_settings,
    check_steps,
    refuse_file,
    refuse_several_datasets,
)
from vitpose_plus.inference.engines.description import (
    KEYPOINTS,
    TAGS,
    DatasetPart,
    Description,
)
from vitpose_plus.inference.pose_model import PoseModel
from vitpose_plus.models.heads import MultiDatasetHead
from vitpose_plus.models.multi_dataset import MultiDatasetTopdown


@dataclass(frozen=True)
class Options:
    """The options of ``export`` that change the graph; see ``Description``."""

    outputs: str = KEYPOINTS
    precision: str = 'fp32'
    channels: str = 'rgb'
    normalise: bool = False
    flip_test: bool = False


def describe(model: PoseModel, options: Options) -> Description:
    """Describes the file that is made from a model.

    Raises:
        UserError: The model or the options cannot be exported.
    """
    refuse_file(model)
    refuse_several_datasets(model)
    network = model.network
    kind = next((kind for kind in KINDS if isinstance(network, kind)), None)
    if kind is None:
        raise UserError(
            f'{model.origin.model} is a {type(network).__name__}: top-down and bottom-up pose '
            'models can be exported.'
        )
    outputs, parts = KINDS[kind](model, options)
    mean, std = _scales(network)
    in_order = slice(None) if options.channels == channels_of(network) else slice(None, None, -1)
    return Description(
        model=os.path.basename(os.path.normpath(model.origin.model)).removesuffix('.py'),
        outputs=outputs,
        precision=options.precision,
        channels=options.channels,
        is_normalising=options.normalise or outputs == KEYPOINTS,
        mean=mean[in_order],
        std=std[in_order],
        flip_test=options.flip_test,
        has_experts=isinstance(network, MultiDatasetTopdown),
        datasets=tuple(parts),
        licence_flags=tuple(model.origin.flags),
        defaults=model.defaults,
    )


def _scales(network: nn.Module) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Means and standard deviations of the network's input, in its own order of channels."""
    preprocessor = network.data_preprocessor
    if not preprocessor._enable_normalize:
        return (0.0,) * 3, (1.0,) * 3
    return tuple(tuple(each.flatten().tolist()) for each in (preprocessor.mean, preprocessor.std))


def _top_down(model: PoseModel, options: Options) -> tuple[str, Iterator[DatasetPart]]:
    settings = _settings(model.network)
    check_heads(model)
    check_settings(settings, options.flip_test)
    codecs = _codecs(model)
    if options.outputs == KEYPOINTS:
        for codec in codecs:
            check_codec(codec)
    shifts = [bool(each.get('shift_heatmap', False)) for each in settings]
    pipelines = model.pipelines.values()
    return options.outputs, map(_part, model.skeletons.values(), pipelines, codecs, shifts)


def _settings(network: TopdownPoseEstimator) -> list[dict]:
    """The settings for testing of every dataset."""
    own = getattr(network.head, 'dataset_test_cfg', {None: {}})
    return [network.test_cfg | each for each in own.values()]


def _codecs(model: PoseModel) -> list[dict[str, Any]]:
    """The config of the codec of every dataset."""
    head = model.network.cfg.model.head
    if isinstance(model.network.head, MultiDatasetHead):
        return [_plain(each['codec']) for each in head.heads]
    return [_plain(head.decoder)]


def _plain(codec: ConfigDict) -> dict[str, Any]:
    """The codec as it is read from JSON text: a class by its name, tuples as lists."""
    kind = codec['type']
    named = dict(codec.to_dict(), type=kind if isinstance(kind, str) else kind.__name__)
    return json.loads(json.dumps(named))


def _part(skeleton: Any, pipeline: Any, codec: dict[str, Any], shift: bool) -> DatasetPart:
    check_steps(skeleton.dataset, pipeline)
    crops = [step for step in pipeline.transforms if isinstance(step, TopdownAffine)]
    return DatasetPart(
        skeleton,
        use_udp=bool(crops[-1].use_udp),
        codec=codec,
        is_stretched=isinstance(crops[-1], StretchedTopdownAffine),
        shift_heatmap=shift,
    )


def _bottom_up(model: PoseModel, options: Options) -> tuple[str, Iterator[DatasetPart]]:
    if options.outputs == KEYPOINTS or options.flip_test:
        raise UserError(
            f'{model.origin.model} is a bottom-up model, whose keypoints are grouped outside of '
            'the network: use --outputs heatmaps, without --flip-test.'
        )
    return TAGS, map(_whole_part, model.skeletons.values(), model.pipelines.values())


def _whole_part(skeleton: Any, pipeline: Any) -> DatasetPart:
    resize = next(step for step in pipeline.transforms if isinstance(step, BottomupResize))
    sized = replace(skeleton, input_wh=tuple(int(side) for side in resize.input_size))
    return DatasetPart(sized, use_udp=bool(resize.use_udp), codec={})


KINDS = {TopdownPoseEstimator: _top_down, BottomupPoseEstimator: _bottom_up}
