"""From pictures to inputs of a network, and from its outputs to instances: one class a kind."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from mmpose.models.pose_estimators import BottomupPoseEstimator, TopdownPoseEstimator
from mmpose.structures import PoseDataSample

from vitpose_plus.errors import UserError
from vitpose_plus.inference.assignment import Assignment
from vitpose_plus.inference.boxes.source import Boxes
from vitpose_plus.inference.models import PoseModel
from vitpose_plus.inference.results import Instance

NARROWEST = 16  # sides as 1 to 16: a bottom-up model's input is as narrow, and never small


@dataclass
class Job:
    """One input of the network.

    Attributes:
        inputs: What the pipeline packs.
        instances: Makes the instances out of the network's output for it.
    """

    inputs: dict[str, Any]
    instances: Callable[[PoseDataSample], list[Instance]]


class Estimator(ABC):
    """What a kind of model makes of a picture.

    Attributes:
        network: The class of network that it is for.
        wants_boxes: Whether it needs to know where somebody is.
        mixes: Whether inputs of several pictures have one size, and so go through in one batch.
    """

    network: type
    wants_boxes: bool
    mixes: bool

    def __init__(self, model: PoseModel) -> None:
        self.model = model

    @abstractmethod
    def jobs(self, image: np.ndarray, boxes: Boxes | None, assignment: Assignment) -> list[Job]:
        """The inputs that a picture (BGR, height, width, 3) gives.

        Raises:
            UserError: None can be made of it, in a sentence that does not name it.
        """

    def _prepared(self, dataset: str, image: np.ndarray, **fields: Any) -> dict[str, Any]:
        """What the test pipeline of a dataset makes of a picture that is in memory."""
        return self.model.pipelines[dataset](
            dict(self.model.metainfo[dataset], img=image, img_path='', **fields)
        )


class TopDown(Estimator):
    """A crop for every box, by the transforms of the config's own test pipeline."""

    network = TopdownPoseEstimator
    wants_boxes = True
    mixes = True

    def jobs(self, image: np.ndarray, boxes: Boxes | None, assignment: Assignment) -> list[Job]:
        named = [(i, assignment.dataset_of(label)) for i, label in enumerate(boxes.labels)]
        return [self._job(image, boxes, i, dataset) for i, dataset in named if dataset]

    def _job(self, image: np.ndarray, boxes: Boxes, number: int, dataset: str) -> Job:
        box, score = boxes.xyxy[number], boxes.scores[number]
        inputs = self._prepared(
            dataset,
            image,
            bbox=box[None].astype(np.float32),
            bbox_score=np.array([score], np.float32),
            **boxes.fields[number],
        )
        instance = partial(Instance, dataset, box, float(score))
        return Job(inputs, partial(_posed, instance, boxes.category_ids[number]))


def _posed(
    instance: Callable[..., Instance], category_id: int | None, output: PoseDataSample
) -> list[Instance]:
    posed = output.pred_instances
    return [instance(posed.keypoints[0], posed.keypoint_scores[0], category_id=category_id)]


class BottomUp(Estimator):
    """The whole picture; the boxes are those around the keypoints that are found."""

    network = BottomupPoseEstimator
    wants_boxes = False
    mixes = False

    def jobs(self, image: np.ndarray, boxes: Boxes | None, assignment: Assignment) -> list[Job]:
        height, width = image.shape[:2]
        if max(height, width) > NARROWEST * min(height, width):
            raise UserError(
                f'A picture of {width}x{height} pixels is too narrow for a bottom-up model: crop '
                'it, or take a top-down model.'
            )
        dataset = assignment.dataset_of(None)
        return [Job(self._prepared(dataset, image), partial(_found, dataset))]


def _found(dataset: str, output: PoseDataSample) -> list[Instance]:
    found = output.pred_instances
    return [
        Instance(
            dataset,
            box=np.concatenate([points.min(0), points.max(0)]),
            box_score=float(score),
            keypoints=points,
            scores=scores,
        )
        for points, scores, score in zip(
            found.keypoints, found.keypoint_scores, found.bbox_scores, strict=True
        )
    ]


def estimator_of(model: PoseModel) -> Estimator:
    """The class for the model's network; a ``UserError`` if there is none."""
    for kind in (TopDown, BottomUp):
        if isinstance(model.network, kind.network):
            return kind(model)
    raise UserError(
        f'{model.origin.model} is a {type(model.network).__name__}: predict runs top-down and '
        'bottom-up pose models.'
    )
