"""Boxes, and what every source of them has to do.

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
        labels: Names of N classes; None where the source knows none.
        category_ids: Of the categories in the boxes' file; None where there are none.
        fields: What else the model's pipeline takes of each box, as MPII's centre and scale.
        image_id: Of the picture in the boxes' file; None where there is none.
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
    """What gives boxes for pictures.

    Attributes:
        labels: Names of the classes that it can give; empty where it knows none.
    """

    labels: tuple[str, ...] = ()

    @abstractmethod
    def boxes(self, pictures: Sequence[Picture], images: Sequence[np.ndarray]) -> list[Boxes]:
        """The boxes of every picture; nobody found is an empty array, never the whole picture.

        Args:
            pictures: Where the images are from.
            images: BGR (height, width, 3) each, 0..255.

        Raises:
            UserError: It has no entry for a picture, or the picture is too narrow for it.
        """
