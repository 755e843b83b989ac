"""The boxes with which labels are written: each rule is a class."""

from abc import ABC, abstractmethod

import numpy as np

from vitpose_plus.datasets.labels.model import LabelledInstance
from vitpose_plus.errors import UserError

MARGIN = 0.15  # of the longer side of the points' box
LEAST = 0.05  # of the longer side of the picture: one point alone also gets a box


class BoxRule(ABC):
    """Gives every instance a box."""

    @abstractmethod
    def box(self, instance: LabelledInstance, size_wh: tuple[int, int]) -> np.ndarray:
        """Returns x, y, width, height in pixels, (4,), inside the picture of this size."""


class BoxesFromFile(BoxRule):
    """The box of the label file, clipped to the picture."""

    def box(self, instance: LabelledInstance, size_wh: tuple[int, int]) -> np.ndarray:
        if instance.box is None:
            raise UserError(
                'The labels have an instance without a box: draw it in the labelling tool, or make '
                'boxes from the points.'
            )
        return clipped(instance.box, size_wh)


class BoxesFromPoints(BoxRule):
    """The box around the labelled points.

    Args:
        margin: The margin on each side, in parts of the longer side of the points' box.
    """

    def __init__(self, margin: float = MARGIN) -> None:
        self._margin = margin

    def box(self, instance: LabelledInstance, size_wh: tuple[int, int]) -> np.ndarray:
        return box_of_points(instance.points, size_wh, self._margin)


class WholePictures(BoxRule):
    """The whole picture."""

    def box(self, instance: LabelledInstance, size_wh: tuple[int, int]) -> np.ndarray:
        return np.array([0.0, 0.0, *size_wh])


def box_of_points(
    points: np.ndarray, size_wh: tuple[int, int], margin: float = MARGIN
) -> np.ndarray:
    """The box around labelled points (K, 3) with a margin, clipped to the picture.

    Args:
        points: x, y, visibility; at least one is labelled.
        size_wh: Width and height of the picture in pixels.
        margin: The margin on each side, in parts of the longer side of the points' box; it has at
            least ``LEAST`` of the longer side of the picture.

    Returns:
        x, y, width, height in pixels, (4,).
    """
    xy = points[points[:, 2] > 0, :2]
    low, high = xy.min(0), xy.max(0)
    wide = max(margin * (high - low).max(), LEAST * max(size_wh))
    return clipped(np.concatenate([low - wide, high - low + 2 * wide]), size_wh)


def clipped(box: np.ndarray, size_wh: tuple[int, int]) -> np.ndarray:
    """The part of a box x, y, width, height (4,) inside the picture of this size."""
    low = np.clip(box[:2], 0, size_wh)
    return np.concatenate([low, np.clip(box[:2] + box[2:], 0, size_wh) - low])
