"""Makes inputs of a network from pictures, and instances from its outputs.

There is one class for each kind of model.
"""

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
from vitpose_plus.inference.defaults import START_SCORE
from vitpose_plus.inference.instances import Instance
from vitpose_plus.inference.pose_model import PoseModel
from vitpose_plus.inference.quality import MEASURES

# Maximum ratio of a picture's sides for a bottom-up model. The shorter side of the input is fixed,
# and the ratio is kept, so a narrower picture would give a huge input.
MAX_ASPECT_RATIO = 16


@dataclass
class Job:
    """One input of the network.

    Attributes:
        inputs: The output of the test pipeline.
        instances: Makes the instances from the network's output for this input.
    """

    inputs: dict[str, Any]
    instances: Callable[[PoseDataSample], list[Instance]]


class Estimator(ABC):
    """Makes the inputs of one kind of model.

    Attributes:
        network: The class of the networks of this kind.
        needs_boxes: Whether the model needs boxes.
        has_fixed_size: Whether all inputs have one size, so that a batch can have several pictures.
        start_score: The minimum score of an instance that starts a track.
    """

    network: type
    needs_boxes: bool
    has_fixed_size: bool
    start_score: float

    def __init__(self, model: PoseModel) -> None:
        self.model = model

    @abstractmethod
    def jobs(self, image: np.ndarray, boxes: Boxes | None, assignment: Assignment) -> list[Job]:
        """Makes the inputs of a picture (BGR, height, width, 3).

        Raises:
            UserError: No input can be made. The message does not name the picture.
        """

    def _prepared(self, dataset: str, image: np.ndarray, **fields: Any) -> dict[str, Any]:
        """Runs the test pipeline of a dataset on a picture that is in memory."""
        return self.model.pipelines[dataset](
            dict(self.model.metainfo[dataset], img=image, img_path='', **fields)
        )


class TopDown(Estimator):
    """Makes a crop for every box, with the transforms of the config's test pipeline."""

    network = TopdownPoseEstimator
    needs_boxes = True
    has_fixed_size = True
    start_score = START_SCORE

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
        make = partial(Instance, dataset, box, float(score))
        return Job(inputs, partial(_instance_of_crop, make, boxes.category_ids[number]))


def _instance_of_crop(
    make: Callable[..., Instance], category_id: int | None, output: PoseDataSample
) -> list[Instance]:
    found = output.pred_instances
    quality = {name: found[name][0] for name in MEASURES if name in found}
    return [make(found.keypoints[0], found.keypoint_scores[0], category_id=category_id, **quality)]


class BottomUp(Estimator):
    """Uses the whole picture; the box of an instance is the bounding box of its keypoints."""

    network = BottomupPoseEstimator
    needs_boxes = False
    has_fixed_size = False
    start_score = 0  # the score of an instance is the mean score of its keypoints

    def jobs(self, image: np.ndarray, boxes: Boxes | None, assignment: Assignment) -> list[Job]:
        height, width = image.shape[:2]
        if max(height, width) > MAX_ASPECT_RATIO * min(height, width):
            raise UserError(
                f'A picture of {width}x{height} pixels is too narrow for a bottom-up model: crop '
                'it, or use a top-down model.'
            )
        dataset = assignment.dataset_of(None)
        return [Job(self._prepared(dataset, image), partial(_instances_of_picture, dataset))]


def _instances_of_picture(dataset: str, output: PoseDataSample) -> list[Instance]:
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
    """Returns the estimator for the model's network; raises a ``UserError`` if there is none."""
    for kind in (TopDown, BottomUp):
        if isinstance(model.network, kind.network):
            return kind(model)
    raise UserError(
        f'{model.origin.model} is a {type(model.network).__name__}: predict runs top-down and '
        'bottom-up pose models.'
    )
