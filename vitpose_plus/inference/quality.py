"""Two measures per keypoint that show which keypoints may be wrong: ``--quality``.

Shapes: B crops, K keypoints of a dataset, h w heatmaps.
"""

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import numpy as np
import torch
from mmpose.codecs import UDPHeatmap
from mmpose.models.heads import HeatmapHead
from mmpose.models.pose_estimators import TopdownPoseEstimator
from mmpose.structures import PoseDataSample
from torch import Tensor, nn

from vitpose_plus.errors import UserError
from vitpose_plus.inference.engines.network import ExportedPoints
from vitpose_plus.inference.pose_model import PoseModel
from vitpose_plus.models.heads import MultiDatasetHead

MEASURES = ('flip_distance', 'spread')  # the fields of outputs and of ``Instance``
POWER = 4  # of the heatmaps in ``variances``; selected by measurement


class Measuring(nn.Module, ABC):
    """Runs a network, and adds both measures to its outputs.

    The keypoints and scores are those of the network. ``pred_instances`` gets two more fields, in
    pixels of the picture:

    - ``flip_distance`` (1, K): the distance between the keypoint that is predicted from the crop
      and the keypoint that is predicted from the mirrored crop;
    - ``spread`` (1, K): the standard deviation of the heatmap, averaged over both crops.

    The measures of a network with flip test and without it are the same.

    Args:
        network: A top-down estimator with mmpose's ``HeatmapHead`` for every dataset.
    """

    def __init__(self, network: TopdownPoseEstimator) -> None:
        super().__init__()
        self.network = network

    def test_step(self, data: dict[str, Any]) -> list[PoseDataSample]:
        """Returns the network's outputs for a batch, with both measures."""
        with _recording(heads_of(self.network)) as heatmaps:
            outputs = self.run(data)
        for head, samples in _parts(self.network.head, outputs):
            add_measures(head, *heatmaps[head], samples)
        return outputs

    @abstractmethod
    def run(self, data: dict[str, Any]) -> list[PoseDataSample]:
        """Predicts the crops, and then the mirrored crops; returns the network's outputs."""


class MeasuringFlipTest(Measuring):
    """For a network with flip test, which predicts the mirrored crops too."""

    def run(self, data: dict[str, Any]) -> list[PoseDataSample]:
        return self.network.test_step(data)


class MeasuringTwice(Measuring):
    """For a network without flip test: a second pass predicts the mirrored crops."""

    def run(self, data: dict[str, Any]) -> list[PoseDataSample]:
        outputs = self.network.test_step(data)
        batch = self.network.data_preprocessor(data, False)
        copies = [sample.new() for sample in batch['data_samples']]  # the outputs do not change
        self.network(batch['inputs'].flip(-1), copies, mode='predict')
        return outputs


def measuring(model: PoseModel, flip_test: bool) -> Measuring:
    """Returns the model's network with both measures.

    Raises:
        UserError: The model does not predict one heatmap per keypoint from a crop.
    """
    if reason := obstacle(model):
        raise UserError(
            f'{model.origin.model} {reason}, but --quality needs a top-down model that predicts '
            'one heatmap per keypoint (HeatmapHead): leave out --quality.'
        )
    return (MeasuringFlipTest if flip_test else MeasuringTwice)(model.network)


def obstacle(model: PoseModel) -> str | None:
    """The reason why the model has not one heatmap for each keypoint of a crop; None if it has."""
    if not isinstance(model.network, TopdownPoseEstimator):
        return f'is a {type(model.network).__name__}'
    # A plain model has one head, also for several datasets.
    for head, metainfo in zip(heads_of(model.network), model.metainfo.values(), strict=False):
        if isinstance(head, ExportedPoints):
            return 'was exported with --outputs keypoints'
        if not isinstance(head, HeatmapHead):
            return f'has a {type(head).__name__}'
        if head.out_channels != metainfo['num_keypoints']:
            return f'has {head.out_channels} maps for {metainfo["num_keypoints"]} keypoints'
    return None


def heads_of(network: TopdownPoseEstimator) -> list[nn.Module]:
    """The heads of a network, in the order of its datasets; or its only head."""
    head = network.head
    return list(head.decoders.values()) if isinstance(head, MultiDatasetHead) else [head]


@contextmanager
def _recording(heads: Iterable[HeatmapHead]) -> Iterator[Mapping[HeatmapHead, list[Tensor]]]:
    """Records all heatmaps (B, K, h, w) that each head predicts."""
    heatmaps = defaultdict(list)

    def record(head: HeatmapHead, layer: nn.Module, inputs: tuple, predicted: Tensor) -> None:
        heatmaps[head].append(predicted)

    with ExitStack() as hooks:
        for head in heads:
            hook = head.final_layer.register_forward_hook(partial(record, head))
            hooks.enter_context(hook)
        yield heatmaps


def _parts(
    head: nn.Module, samples: list[PoseDataSample]
) -> Iterator[tuple[HeatmapHead, list[PoseDataSample]]]:
    """Yields each head that predicted samples, with these samples in the order of the heatmaps."""
    if not isinstance(head, MultiDatasetHead):
        yield head, samples
        return
    for name, rows in head.rows(samples):
        if rows:
            yield head.decoders[name], [samples[row] for row in rows]


def add_measures(
    head: HeatmapHead, heatmaps: Tensor, mirrored: Tensor, samples: Sequence[PoseDataSample]
) -> None:
    """Adds both measures to samples of one dataset.

    Args:
        head: The head that predicted the heatmaps.
        heatmaps: The heatmaps (B, K, h, w) of the crops.
        mirrored: The heatmaps (B, K, h, w) of the mirrored crops, not mirrored back.
        samples: The outputs for the B crops.
    """
    views = heatmaps.float(), mirrored.float()
    points = [[found.keypoints[0] for found in head.decode(maps)] for maps in views]
    moments = [variances(maps).cpu().numpy() for maps in views]
    heatmap_size = np.array(heatmaps.shape[:1:-1])  # w, h
    for sample, own, other, first, second in zip(samples, *points, *moments, strict=True):
        crop_size, size = (np.array(sample.metainfo[f'input_{key}']) for key in ('size', 'scale'))
        swapped = list(sample.metainfo['flip_indices'])
        apart = own - mirrored_back(other, head.decoder, crop_size[0])[swapped]
        flip_distance = np.linalg.norm(apart * size / crop_size, axis=-1)
        both = np.stack([first, second[swapped]]) * (size / heatmap_size) ** 2
        spread = np.sqrt(both.sum(-1)).mean(0)
        sample.pred_instances.set_data(dict(flip_distance=flip_distance[None], spread=spread[None]))


def mirrored_back(points: np.ndarray, codec: Any, width: int) -> np.ndarray:
    """Points (K, 2) that a codec decoded from a mirrored crop -> points (K, 2) in the crop.

    Mirroring moves the centre of pixel x to ``width - 1 - x``. UDP's codec stretches coordinates by
    ``width / (width - 1)``. Therefore the sum of both coordinates is ``width`` there. The setting
    ``shift_heatmap`` of mmpose's flip test also makes it ``width`` for other codecs: one pixel of
    the crop too much.
    """
    total = width if isinstance(codec, UDPHeatmap) else width - 1
    return points * [-1, 1] + [total, 0]


def variances(heatmaps: Tensor) -> Tensor:
    """The variances along x and y (B, K, 2) of heatmaps (B, K, h, w), in squared heatmap pixels.

    This is our reading of the spread of a heatmap. The weights are the fourth power of the values
    above 0: low values far from the peak, which most heatmaps have, hardly count. The variances are
    multiplied by 4, so those of a Gaussian are its own. A heatmap without positive values counts as
    constant.
    """
    peaks = heatmaps.amax((-2, -1), keepdim=True)
    relative = torch.where(peaks > 0, heatmaps / peaks, 1.0).clamp(min=0)
    weights = relative**POWER
    weights = weights / weights.sum((-2, -1), keepdim=True)
    return POWER * torch.stack([_variance(weights.sum(-2)), _variance(weights.sum(-1))], -1)


def _variance(weights: Tensor) -> Tensor:
    """Weights (B, K, n) of the positions 0 to n - 1, with the sum 1 -> variances (B, K)."""
    positions = torch.arange(weights.shape[-1], device=weights.device, dtype=weights.dtype)
    mean = (weights * positions).sum(-1, keepdim=True)
    return (weights * (positions - mean) ** 2).sum(-1)
