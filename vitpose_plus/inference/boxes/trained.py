"""The boxes with which a model was trained: the values of ``predict.boxes`` in a config."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from vitpose_plus.errors import UserError
from vitpose_plus.inference.boxes.kinds import WHOLE, Given
from vitpose_plus.inference.boxes.source import BoxSource
from vitpose_plus.inference.boxes.whole import WholePicture


class Trained(ABC):
    """How the boxes of a training were made."""

    @abstractmethod
    def default(self, model: str) -> Given:
        """Returns the boxes for ``--boxes`` if the user gives none.

        Args:
            model: The name of the model, for errors.

        Raises:
            UserError: The user must give boxes.
        """

    @abstractmethod
    def warnings(self, model: str, boxes: BoxSource) -> list[str]:
        """Returns a sentence for each reason why predictions with these boxes may be wrong."""


@dataclass(frozen=True)
class WithDefault(Trained):
    """The boxes of training can also be used for new pictures, or are not known.

    Attributes:
        boxes: The default of ``--boxes``.
    """

    boxes: Given

    def default(self, model: str) -> Given:
        return self.boxes

    def warnings(self, model: str, boxes: BoxSource) -> list[str]:
        return []


@dataclass(frozen=True)
class OnCrops(Trained):
    """The boxes came from labels, so new pictures have none.

    Attributes:
        named: What the boxes were, for messages.
    """

    named: str

    def default(self, model: str) -> Given:
        raise UserError(
            f'{model} was trained on crops of {self.named}, so it needs a box around each animal: '
            'give --boxes (a file of boxes, a detector, or whole for the whole picture).'
        )

    def warnings(self, model: str, boxes: BoxSource) -> list[str]:
        if not isinstance(boxes, WholePicture):
            return []
        return [
            f'{model} was trained on crops of {self.named}, and not on whole pictures: the '
            'predictions may be wrong.'
        ]


@dataclass(frozen=True)
class OnWholePictures(WithDefault):
    """The boxes were whole pictures."""

    def warnings(self, model: str, boxes: BoxSource) -> list[str]:
        if type(boxes) is WholePicture:
            return []
        return [
            f'{model} was trained on whole pictures, and not on crops: the predictions may be '
            'wrong.'
        ]


KINDS: dict[Given, Trained] = {
    'file': OnCrops('the boxes of its labels'),
    'points': OnCrops('the boxes around its labelled points'),
    WHOLE: OnWholePictures(WHOLE),
}


def trained_with(boxes: Given) -> Trained:
    """Returns how the boxes were made, for the value of ``predict.boxes`` in a config."""
    return KINDS.get(boxes) or WithDefault(boxes)
