"""The boxes of a prediction: of a detector, which stays in memory, or drawn by hand."""

from collections.abc import Sequence
from functools import partial

import torch

from vitpose_plus.app.choices import HAND, boxes_of, check_choice, needs_classes
from vitpose_plus.app.limits import Limits
from vitpose_plus.app.memory import LastUsed
from vitpose_plus.errors import UserError
from vitpose_plus.inference.boxes import BoxSource, open_boxes
from vitpose_plus.inference.boxes.given import ArrayBoxes
from vitpose_plus.inference.defaults import BOX_SCORE
from vitpose_plus.inference.facts import Facts

GivenBoxes = str | Sequence[Sequence[float]] | None


class DrawnBoxes(ArrayBoxes):
    """Boxes that a user draws on the page."""

    TITLE = 'The drawing'


class Boxing:
    """Opens the boxes that a user chooses or draws.

    Args:
        detectors: The names or folders of the detectors that a user can choose.
        limits: The limits of the page.
    """

    def __init__(self, detectors: Sequence[str], limits: Limits) -> None:
        self.detectors, self.limits = tuple(detectors), limits
        self._opened: LastUsed[BoxSource] = LastUsed()

    def check(self, given: GivenBoxes, facts: Facts, dataset: str) -> None:
        """Raises a ``UserError`` if the boxes are no choice, or if they do not fit the model."""
        choices = [choice.value for choice in boxes_of(facts, dataset, self.detectors)]
        if given is None:
            if choices:
                raise UserError(f'No boxes are chosen: choose one of {", ".join(choices)}.')
        elif not choices:
            raise UserError('This model finds everybody without boxes: choose no boxes.')
        elif isinstance(given, str) and given != HAND:
            check_choice(given, choices, 'boxes')
        else:
            if needs_classes(facts, dataset):
                raise UserError(
                    'Boxes that are drawn by hand have no classes: choose the keypoints of one '
                    'dataset.'
                )
            self.limits.check_boxes(0 if isinstance(given, str) else len(given))

    def open(self, given: GivenBoxes, name: str, device: torch.device) -> BoxSource | None:
        """Opens boxes that are checked, for the picture or film of this name."""
        if given is None:
            return None
        if not isinstance(given, str):
            return DrawnBoxes({name: given})
        return self._opened.get(given, partial(open_boxes, given, None, device, BOX_SCORE))
