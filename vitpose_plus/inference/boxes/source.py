"""Boxes, and the interface of all sources of boxes.

Shapes: N boxes of a picture.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from vitpose_plus.inference.sources.picture import Picture


@dataclass
class Boxes:
    """The boxes of one picture.

    Attributes:
        xyxy: x1, y1, x2, y2 (N, 4) in pixels, float32.
        scores: (N,), float32; 1 for given boxes.
        labels: The name of each box's class; None if it is not known.
        category_ids: The id of each box's category in the file of boxes; None if there is none.
        fields: Further fields of each box for the model's pipeline: MPII's centre and scale.
        image_id: The id of the picture in the file of boxes; None if there is none.
    """

    xyxy: np.ndarray
    scores: np.ndarray
    labels: list[str | None]
    category_ids: list[int | None] = field(default_factory=list)
    fields: list[dict[str, Any]] = field(default_factory=list)
    image_id: int | None = None

    def __post_init__(self) -> None:
        self.category_ids = self.category_ids or [None] * len(self.xyxy)
        self.fields = self.fields or [{} for _ in self.xyxy]


class BoxSource(ABC):
    """A source of boxes for pictures.

    Attributes:
        labels: The names of all classes of its boxes; empty if they are not known.
    """

    labels: tuple[str, ...] = ()

    @abstractmethod
    def boxes(self, pictures: Sequence[Picture], images: Sequence[np.ndarray]) -> list[Boxes]:
        """Returns the boxes of every picture.

        If nobody is found, the array is empty; the whole picture is never used instead.

        Args:
            pictures: The pictures; their names find the boxes of a file, and are used in errors.
            images: The content of each picture: BGR (height, width, 3), 0..255.

        Raises:
            UserError: There is no entry for a picture, or the picture is too narrow.
        """
