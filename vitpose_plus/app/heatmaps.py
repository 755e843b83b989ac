"""Heatmaps of all instances, drawn on their picture.

Shapes: K keypoints, h w heatmaps, H W picture.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import cv2
import numpy as np
from mmpose.codecs import UDPHeatmap
from mmpose.structures import PoseDataSample

from vitpose_plus.inference.assignment import Assignment
from vitpose_plus.inference.boxes.source import Boxes
from vitpose_plus.inference.drawing import Drawings
from vitpose_plus.inference.estimators import Estimator, Job
from vitpose_plus.inference.instances import Instance
from vitpose_plus.inference.pose_model import PoseModel
from vitpose_plus.inference.predictor import PosePredictor
from vitpose_plus.inference.quality import heads_of
from vitpose_plus.inference.results import Result
from vitpose_plus.models.heads import MultiDatasetHead

COLOURS = cv2.COLORMAP_TURBO
OPACITY = 0.9  # of the colour where a heatmap is 1


@dataclass
class InstanceWithHeatmaps(Instance):
    """An instance with the heatmaps from which its keypoints are decoded.

    Attributes:
        heatmaps: The heatmaps (K, h, w) of its crop, float32.
        to_picture: The affine transform (2, 3) from pixels of the heatmaps to those of the picture.
    """

    heatmaps: np.ndarray | None = None
    to_picture: np.ndarray | None = None


class HeatmapEstimator(Estimator):
    """An estimator whose instances have their heatmaps.

    Args:
        estimator: The estimator of a top-down model with one heatmap for each keypoint.
    """

    def __init__(self, estimator: Estimator) -> None:
        super().__init__(estimator.model)
        self.estimator = estimator
        self.needs_boxes, self.has_fixed_size = estimator.needs_boxes, estimator.has_fixed_size
        self.start_score = estimator.start_score

    def jobs(self, image: np.ndarray, boxes: Boxes | None, assignment: Assignment) -> list[Job]:
        jobs = self.estimator.jobs(image, boxes, assignment)
        return [Job(job.inputs, partial(self._instances, job.instances)) for job in jobs]

    def _instances(
        self, make: Callable[[PoseDataSample], list[Instance]], output: PoseDataSample
    ) -> list[Instance]:
        maps = output.pred_fields.heatmaps.float().cpu().numpy()
        return [
            InstanceWithHeatmaps(
                **vars(instance),
                heatmaps=maps,
                to_picture=to_picture(
                    maps.shape[:0:-1], _codec(self.model, instance.dataset), output.metainfo
                ),
            )
            for instance in make(output)
        ]


def _codec(model: PoseModel, dataset: str) -> Any:
    head = model.network.head
    if isinstance(head, MultiDatasetHead):
        return head.decoders[dataset].decoder
    return heads_of(model.network)[0].decoder


def to_picture(size_wh: tuple[int, int], codec: Any, metainfo: dict[str, Any]) -> np.ndarray:
    """The transform (2, 3) from pixels of a crop's heatmaps to pixels of the picture.

    UDP's codec measures the distance of the first and the last pixel, other codecs the number of
    pixels.

    Args:
        size_wh: The width and height of the heatmaps.
        codec: The codec that decodes the heatmaps.
        metainfo: The centre and the size of the crop in the picture, as mmpose's pipeline sets
            them.
    """
    steps = np.array(size_wh) - isinstance(codec, UDPHeatmap)
    centre, size = (np.ravel(metainfo[f'input_{key}'])[:2] for key in ('center', 'scale'))
    return np.column_stack([np.diag(size / steps), centre - size / 2])


@contextmanager
def with_heatmaps(predictor: PosePredictor) -> Iterator[None]:
    """Inside this context, the instances that a predictor predicts have their heatmaps."""
    estimator, settings = predictor.estimator, predictor.model.network.test_cfg
    predictor.estimator = HeatmapEstimator(estimator)
    settings['output_heatmaps'] = True
    try:
        yield
    finally:
        predictor.estimator = estimator
        settings['output_heatmaps'] = False


def placed(heatmap: np.ndarray, to_picture: np.ndarray, size_wh: Sequence[int]) -> np.ndarray:
    """Puts a heatmap (h, w) into a picture of this width and height: (H, W), float32."""
    return cv2.warpAffine(heatmap, to_picture, tuple(size_wh), flags=cv2.INTER_LINEAR)


def heat(instances: Iterable[InstanceWithHeatmaps], size_wh: tuple[int, int]) -> np.ndarray:
    """The maximum (H, W) of all heatmaps of all instances in each pixel of a picture."""
    total = np.zeros(size_wh[::-1], np.float32)
    for instance in instances:
        corners = np.array([[-1, -1], instance.heatmaps.shape[:0:-1]])
        ends = corners @ instance.to_picture[:, :2] + instance.to_picture[:, 2]
        first = np.clip(np.floor(ends[0]), 0, size_wh).astype(int)
        last = np.clip(np.ceil(ends[1]) + 1, 0, size_wh).astype(int)
        if (last > first).all():
            own = instance.to_picture - np.column_stack([np.zeros((2, 2)), first])
            part = total[first[1] : last[1], first[0] : last[0]]
            np.maximum(part, placed(instance.heatmaps.max(0), own, last - first), out=part)
    return total


def overlay(image: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Blends a picture (H, W, 3), BGR, with the colours of values (H, W) from 0 to 1."""
    shares = np.clip(values, 0, 1)
    colours = cv2.applyColorMap((shares * 255).astype(np.uint8), COLOURS)
    weights = shares * OPACITY
    return cv2.blendLinear(image, colours, 1 - weights, weights)


class HeatmapDrawings(Drawings):
    """Writes pictures and films with heatmaps in place of poses."""

    def image_of(self, result: Result) -> np.ndarray:
        return overlay(result.image, heat(result.instances, (result.width, result.height)))
