"""Boxes that are given by the user: in files and in mappings.

Shapes: N boxes of a picture.
"""

from abc import abstractmethod
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from vitpose_plus.errors import UserError
from vitpose_plus.inference.boxes.matching import Index, Names
from vitpose_plus.inference.boxes.source import Boxes, BoxSource
from vitpose_plus.inference.sources.picture import Picture


class GivenBoxes(BoxSource):
    """Boxes that are given by the user; there is a subclass for every kind of file.

    Args:
        title: The name of the file, for errors.
        index: Finds a picture's entry.
        labels: The names of the classes.
    """

    def __init__(self, title: str, index: Index, labels: Iterable[str] = ()) -> None:
        self.title, self.index, self.labels = title, index, tuple(labels)

    def boxes(self, pictures: Sequence[Picture], images: Sequence[np.ndarray]) -> list[Boxes]:
        return [self._checked(p, image) for p, image in zip(pictures, images, strict=True)]

    def _checked(self, picture: Picture, image: np.ndarray) -> Boxes:
        height, width = image.shape[:2]
        boxes = self.entry(self.index.find(picture.file_name), picture, (width, height))
        outside = ~inside(boxes.xyxy, (width, height))
        if outside.any():
            box = listed(boxes.xyxy[outside.argmax()])
            raise UserError(
                f'{self.title} has the box {box} (x1, y1, x2, y2) outside of {picture.source}, '
                f'which is {width}x{height} pixels: correct or remove the box.'
            )
        return boxes

    @abstractmethod
    def entry(self, key: Hashable, picture: Picture, wh: tuple[int, int]) -> Boxes:
        """Returns the boxes of an entry.

        Args:
            key: The key of the entry in the index.
            picture: The picture, for errors.
            wh: The width and height of the picture in pixels.
        """


class GroupedBoxes(GivenBoxes):
    """Boxes in a mapping from the names of pictures."""

    def __init__(self, title: str, groups: Mapping[str, Boxes], labels: Iterable[str] = ()) -> None:
        super().__init__(title, Names(title, {name: name for name in groups}), labels)
        self._groups = groups

    def entry(self, key: Hashable, picture: Picture, wh: tuple[int, int]) -> Boxes:
        return self._groups[key]


class ArrayBoxes(GroupedBoxes):
    """A mapping from the names of pictures to arrays, in Python.

    Args:
        arrays: x1, y1, x2, y2 (N, 4) in pixels, or with a score in the fifth column (N, 5).
    """

    TITLE = 'The mapping of boxes'

    def __init__(self, arrays: Mapping[str, Any]) -> None:
        if not arrays:
            raise UserError(f'{self.TITLE} is empty: give an array for every picture.')
        groups = {str(name): self._boxes(str(name), array) for name, array in arrays.items()}
        super().__init__(self.TITLE, groups)

    def _boxes(self, name: str, given: Any) -> Boxes:
        try:
            array = np.asarray(given, np.float64)
        except (TypeError, ValueError):
            array = None
        if array is not None and array.size == 0:
            array = array.reshape(0, 4)
        if array is None or array.ndim != 2 or array.shape[1] not in (4, 5):
            raise UserError(
                f'{self.TITLE} has no array of shape (N, 4) or (N, 5) for {name}: give x1, y1, x2, '
                'y2 and, if known, the score of every box.'
            )
        for row, what in enumerate(problems(array)):
            if what:
                raise UserError(
                    f'{self.TITLE} has a box {what} for {name} (row {row}: {listed(array[row])}): '
                    'correct it.'
                )
        scores = array[:, 4] if array.shape[1] == 5 else np.ones(len(array))
        return Boxes(
            xyxy=array[:, :4].astype(np.float32),
            scores=scores.astype(np.float32),
            labels=[None] * len(array),
        )


def problems(rows: np.ndarray) -> list[str | None]:
    """The fault of each of N rows of x1, y1, x2, y2 (and score); None for a correct row."""
    with np.errstate(over='ignore', invalid='ignore'):
        finite = np.isfinite(rows.astype(np.float32)).all(1)
        flat = (rows[:, 2:4] <= rows[:, :2]).any(1)
    return [
        'with a number that is not finite'
        if not is_finite
        else 'without width and height (x2 > x1, y2 > y1)'
        if is_flat
        else None
        for is_finite, is_flat in zip(finite, flat, strict=True)
    ]


def inside(xyxy: np.ndarray, wh: tuple[int, int]) -> np.ndarray:
    """Whether each of N boxes overlaps a picture of this width and height; (N,)."""
    return ((xyxy[:, :2] < np.array(wh)) & (xyxy[:, 2:] > 0)).all(1)


def listed(numbers: Iterable[float]) -> str:
    return f'[{", ".join(f"{number:g}" for number in numbers)}]'
