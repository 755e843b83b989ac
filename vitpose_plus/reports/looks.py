"""How the pictures of a report are predicted: one class for each kind of ``predict.boxes``."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

import numpy as np
from mmengine.config import Config

from vitpose_plus.errors import UserError
from vitpose_plus.inference.boxes.kinds import WHOLE
from vitpose_plus.inference.predictor import PosePredictor
from vitpose_plus.reports.labels import LabelledInstances


class Look(ABC):
    """A way to predict the labelled pictures.

    Attributes:
        options: The options of ``vitpose predict`` that predict a film in the same way.
        explanation: A sentence about the boxes.
    """

    options: tuple[str, ...]
    explanation: str

    @abstractmethod
    def predict(self, predictor: PosePredictor, labels: LabelledInstances) -> np.ndarray:
        """Returns the keypoints x, y (N, K, 2) of the labelled instances, in their order."""

    def predict_first(
        self, predictor: PosePredictor, labels: LabelledInstances
    ) -> np.ndarray | None:
        """Returns the keypoints after the first look alone; None if there is only one look."""
        return None


class LabelledBoxes(Look):
    """The boxes of the annotation file."""

    options = ('--boxes', 'BOXES')
    explanation = (
        'The pictures were cropped at the boxes of the annotation file. A film needs boxes, too: '
        'BOXES is a file of boxes or the name of a detector.'
    )

    def predict(self, predictor: PosePredictor, labels: LabelledInstances) -> np.ndarray:
        boxes = {picture: labels.boxes[rows] for picture, rows in labels.rows.items()}
        return keypoints(predictor, labels, boxes)


class WholePicture(Look):
    """The whole picture, which is the default of the model."""

    options = ()
    explanation = 'The model was given whole pictures, without boxes.'

    def predict(self, predictor: PosePredictor, labels: LabelledInstances) -> np.ndarray:
        return keypoints(predictor, labels, None)


class TwoLooks(WholePicture):
    """The whole picture, then the box of the points found; this is the default of the model."""

    explanation = (
        'The model was given whole pictures, without boxes. It first predicts points in the whole '
        'picture, and then again in the box of these points.'
    )

    def predict_first(self, predictor: PosePredictor, labels: LabelledInstances) -> np.ndarray:
        return keypoints(predictor, labels, WHOLE)


LOOKS: dict[str, type[Look]] = {WHOLE: WholePicture, 'refine': TwoLooks}


def look_of(cfg: Config) -> Look:
    """Returns the look for the section ``predict`` of a config; without it, the labels' boxes."""
    return LOOKS.get((cfg.get('predict') or {}).get('boxes'), LabelledBoxes)()


def keypoints(
    predictor: PosePredictor, labels: LabelledInstances, boxes: Mapping | str | None
) -> np.ndarray:
    """Predicts the pictures of the labels.

    Returns:
        x, y (N, K, 2) in the order of the labels: the predictor keeps the order of given boxes.

    Raises:
        UserError: A picture has another number of predicted than of labelled instances.
    """
    found: list[np.ndarray] = []
    results = predictor(list(labels.rows), boxes)
    for (picture, rows), result in zip(labels.rows.items(), results, strict=True):
        if len(result.instances) != len(rows):
            raise UserError(
                f'{picture} has {len(rows)} labelled instances, but {len(result.instances)} '
                'predicted: give pictures with one instance each, or train with boxes '
                "(predict=dict(boxes='points') in the config)."
            )
        found.append(result.keypoints)
    return np.concatenate(found)
