"""The kinds of crops that a model is trained on: one class for each value of ``--boxes``."""

from abc import ABC, abstractmethod
from typing import Any

from vitpose_plus.datasets.labels.boxes import (
    BoxesFromFile,
    BoxesFromPoints,
    BoxRule,
    WholePictures,
)
from vitpose_plus.datasets.labels.model import Labels
from vitpose_plus.errors import UserError


class Look(ABC):
    """What a model sees of a picture.

    Attributes:
        padding: The sides of a box are multiplied by it.
        pixels: The number of pixels of the input, about.
        parts: The number of kinds of crops that one training learns.
        comment: What the boxes are, for the entry of the dataset.
        after_box: Transforms of the training that come after the box.
    """

    padding: float
    pixels: int
    parts: int = 1
    comment: str
    after_box: tuple[dict[str, Any], ...] = ()

    @abstractmethod
    def rule(self) -> BoxRule:
        """Returns the rule of the boxes in the annotation files."""

    def shaping_rule(self) -> BoxRule:
        """Returns the rule of the boxes that give the shape of the input."""
        return self.rule()

    def check(self, labels: Labels) -> None:  # noqa: B027  by default, all labels fit
        """Raises a ``UserError`` if the labels have no such boxes."""


class FileBoxes(Look):
    """The boxes of the label files."""

    padding = 1.25
    pixels = 192 * 192
    comment = 'The boxes of the label files; `predict` needs boxes, too'

    def rule(self) -> BoxRule:
        return BoxesFromFile()

    def check(self, labels: Labels) -> None:
        if not has_boxes(labels):
            raise UserError(
                'The labels have instances without a box: draw all boxes in the labelling tool, or '
                'make boxes from the points (--boxes points).'
            )


class PointBoxes(Look):
    """Boxes around the labelled points."""

    padding = 1.1
    pixels = 192 * 192
    comment = 'Boxes around the labelled points; `predict` needs boxes, too'

    def rule(self) -> BoxRule:
        return BoxesFromPoints()


class Whole(Look):
    """The whole picture: for one animal or object in a picture."""

    padding = 1.1
    pixels = 256 * 256
    comment = 'The whole picture'

    def rule(self) -> BoxRule:
        return WholePictures()

    def check(self, labels: Labels) -> None:
        if (most := labels.most_instances) > 1:
            raise UserError(
                f'The labels have up to {most} instances in a picture, but whole pictures are for '
                'one instance: give --boxes points, or --boxes file.'
            )


class Refine(Whole):
    """Two looks: the whole picture, then the box around the keypoints that were found."""

    pixels = 256 * 192
    parts = 2
    comment = 'Two looks: the whole picture, then the box around the keypoints found there'
    after_box = (dict(type='RandomWholePicture'),)

    def rule(self) -> BoxRule:
        return BoxesFromPoints()

    def shaping_rule(self) -> BoxRule:
        return WholePictures()


LOOKS: dict[str, type[Look]] = dict(file=FileBoxes, points=PointBoxes, whole=Whole, refine=Refine)


def default_look(labels: Labels) -> str:
    """The name of the look without ``--boxes``: the labels' own boxes, if all have one."""
    return 'file' if has_boxes(labels) else 'points'


def has_boxes(labels: Labels) -> bool:
    """Whether every instance has a box."""
    return all(one.box is not None for picture in labels.pictures for one in picture.instances)
