"""The figures in the frames of a synthetic film, with their true values."""

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np

from vitpose_plus.datasets.figures import animal, person
from vitpose_plus.datasets.figures.animal_shapes import sample_animal
from vitpose_plus.datasets.figures.figure import MAX_LAYERS, Figure
from vitpose_plus.datasets.figures.person_shapes import sample_person


class Kind(NamedTuple):
    """A class of figures.

    Attributes:
        name: The name of the class.
        sample: Makes a figure from random numbers, a nominal size in pixels and a time in frames.
        keypoints: The names of the keypoints of the dataset, in order.
        scale: A factor on the nominal size.
        front, back: The figure walks in the horizontal direction from the mean of the keypoints
            ``back`` to the keypoint ``front``.
    """

    name: str
    sample: Callable[[np.random.Generator, float, float], Figure]
    keypoints: tuple[str, ...]
    scale: float
    front: str
    back: tuple[str, ...]


PERSON = Kind('person', sample_person, person.BODY, 1.0, 'nose', ('left_ear', 'right_ear'))
ANIMAL = Kind('animal', sample_animal, animal.KEYPOINTS, 0.95, 'Nose', ('Root of tail',))


class Tracked:
    """A figure in one frame.

    Attributes:
        track_id: The id of the figure, from 1; the same in all frames of the film.
        kind: The class of the figure.
        figure: The shapes and all keypoints.
        number: The number of the figure in the order of drawing.
        drawn: The number of pixels of the silhouette in the picture, before other parts hid some.
        visible: The share of these pixels that no other part hides; 0 before ``label`` is called.
        box: x, y, w, h (4,) in pixels, of the silhouette in the picture with its hidden parts.
    """

    def __init__(
        self, track_id: int, kind: Kind, figure: Figure, owner: np.ndarray, number: int
    ) -> None:
        self.track_id = track_id
        self.kind = kind
        self.figure = figure
        self.number = number
        left, top, right, bottom = np.maximum(figure.box, 0).astype(int)
        # The part of the picture that contains the silhouette.
        self.window = np.s_[max(top - 2, 0) : bottom + 3, max(left - 2, 0) : right + 3]
        own = self._own(owner)
        self.drawn = int(np.count_nonzero(own))
        self.visible = 0.0
        self.box = self._box(own, np.array(owner.shape[::-1]) - 1)

    @property
    def keypoints(self) -> np.ndarray:
        """x, y, v (K, 3): v is 2 if visible, 1 if hidden; zeros outside the picture."""
        return self.figure.labelled(self.kind.keypoints)

    @property
    def in_picture(self) -> bool:
        """Whether at least one pixel of the figure is in the picture, hidden or not."""
        return self.drawn > 0 and bool((self.box[2:] >= 1).all())

    def label(self, owner: np.ndarray) -> None:
        """Sets the keypoints and the visible share, when all parts are drawn."""
        self.figure.label(owner, self.number)
        self.visible = np.count_nonzero(self._own(owner)) / self.drawn

    def _own(self, owner: np.ndarray) -> np.ndarray:
        """Which pixels of the window are marked with the number of the figure."""
        return owner[self.window] // MAX_LAYERS == self.number

    def _box(self, own: np.ndarray, last: np.ndarray) -> np.ndarray:
        """The exact box; if the border cuts the figure, the box of the pixels, with 1 px around.

        Args:
            own: Which pixels of the window are in the silhouette.
            last: x, y (2,) of the last pixel of the picture.
        """
        x, y, w, h = cv2.boundingRect(own.astype(np.uint8))
        x, y = x + self.window[1].start, y + self.window[0].start
        low = np.maximum(self.figure.box[:2], np.maximum((x - 1, y - 1), 0))
        high = np.minimum(self.figure.box[2:], np.minimum((x + w, y + h), last))
        return np.round(np.concatenate([low, high - low]), 2)
