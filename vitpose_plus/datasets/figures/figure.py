"""A drawn figure: what is painted of it, and where its keypoints are."""

from __future__ import annotations

import cv2
import numpy as np

from vitpose_plus.datasets.figures.shapes import Shape, rotation

Layer = tuple[list[Shape], tuple[str, ...]]
"""Shapes painted together and the names of the keypoints they show."""

MAX_LAYERS = 8


class Figure:
    """Named keypoints, and layers of shapes from back to front.

    Args:
        category: name of the category.
        points: name -> xy (2,) in pixels.
        layers: at most ``MAX_LAYERS``; keypoints of none of them are never behind the figure.
        head: outline of the head, (N, 2).

    Attributes:
        points: (K, 2) xy in pixels.
        marks: (K, 3) x, y, v as labelled in an image, set by ``label``.
    """

    def __init__(
        self,
        category: str,
        points: dict[str, np.ndarray],
        layers: list[Layer],
        head: np.ndarray,
    ) -> None:
        self.category = category
        self.index = {name: i for i, name in enumerate(points)}
        self.points = np.stack(list(points.values()))
        self.marks = np.zeros((len(points), 3))
        self._outline = np.asarray(head, float)
        shapes = [shape for layer, _ in layers for shape in layer]
        self._levels = [level for level, (layer, _) in enumerate(layers) for _ in layer]
        self._styles = [shape[1:] for shape in shapes]
        self._cuts = np.cumsum([0] + [len(shape.points) for shape in shapes])
        self._vertices = np.concatenate([shape.points for shape in shapes])
        self._margins = np.concatenate(
            [np.full(len(s.points), s.thickness / 2 if s.solid else np.nan) for s in shapes]
        )
        self._depths = np.full(len(points), MAX_LAYERS - 1)
        for level, (_, names) in enumerate(layers):
            self._depths[[self.index[name] for name in names]] = level

    @property
    def box(self) -> np.ndarray:
        """Box x1, y1, x2, y2 (4,) of the silhouette in pixels."""
        solid = ~np.isnan(self._margins)
        points, margins = self._vertices[solid], self._margins[solid, None]
        return np.concatenate([(points - margins).min(0), (points + margins).max(0)])

    @property
    def head(self) -> np.ndarray:
        """Box x1, y1, x2, y2 (4,) of the head in pixels."""
        return np.concatenate([self._outline.min(0), self._outline.max(0)])

    def turn(self, degrees: float) -> None:
        """Turn the figure about the origin, clockwise as seen."""
        turned = rotation(degrees)
        self.points = self.points @ turned
        self._vertices = self._vertices @ turned
        self._outline = self._outline @ turned

    def move(self, offset: np.ndarray) -> None:
        """Move the figure by an offset (2,) in pixels."""
        self.points = self.points + offset
        self._vertices = self._vertices + offset
        self._outline = self._outline + offset

    def paint(self, image: np.ndarray, owner: np.ndarray, number: int) -> None:
        """Draw on a BGR image (H, W, 3) and mark the layers in ``owner`` (H, W).

        Args:
            image: drawn on.
            owner: set to ``number * MAX_LAYERS`` plus the layer.
            number: of the figure in the image, from 1.
        """
        fixed = np.rint(self._vertices * 16).astype(np.int32)
        for i, (colour, thickness, solid) in enumerate(self._styles):
            points = fixed[self._cuts[i] : self._cuts[i + 1]]
            mark = number * MAX_LAYERS + self._levels[i]
            if thickness:
                cv2.polylines(image, [points], False, colour, thickness, cv2.LINE_AA, 4)
            else:
                cv2.fillConvexPoly(image, points, colour, cv2.LINE_AA, 4)
            if solid and thickness:
                cv2.polylines(owner, [points], False, mark, thickness, cv2.LINE_8, 4)
            elif solid:
                cv2.fillConvexPoly(owner, points, mark, cv2.LINE_8, 4)

    def label(self, owner: np.ndarray, number: int) -> None:
        """Set ``marks``: v is 2 if visible, 1 behind anything, and zeros outside the image."""
        height, width = owner.shape
        points = np.round(self.points, 2)
        inside = (points >= 0).all(1) & (points <= (width - 1, height - 1)).all(1)
        columns, rows = np.rint(points * inside[:, None]).astype(int).T
        # Painting goes from back to front, so only a greater mark hides a keypoint.
        hidden = owner[rows, columns] > number * MAX_LAYERS + self._depths
        marks = np.concatenate([points, np.where(hidden, 1.0, 2.0)[:, None]], axis=1)
        self.marks = marks * inside[:, None]

    def labelled(self, names: tuple[str, ...]) -> np.ndarray:
        """Labels x, y, v of some keypoints, (len(names), 3)."""
        return self.marks[[self.index[name] for name in names]]
