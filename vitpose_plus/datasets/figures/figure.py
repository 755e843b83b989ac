"""A synthetic figure: its shapes and its keypoints."""

import cv2
import numpy as np

from vitpose_plus.datasets.figures.shapes import Shape, rotation

# Shapes that are drawn together, and the names of the keypoints that are visible on them.
Layer = tuple[list[Shape], tuple[str, ...]]

MAX_LAYERS = 8


class Figure:
    """Named keypoints, and layers of shapes from back to front.

    Args:
        category: The name of the category.
        points: Name -> xy (2,) in pixels.
        layers: At most ``MAX_LAYERS``; keypoints in none of them are never hidden by the figure.
        head: The outline of the head, xy (N, 2) in pixels.

    Attributes:
        points: xy (K, 2) in pixels.
        keypoints: x, y, v (K, 3) as labelled in a picture; zeros before ``label`` is called.
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
        self.keypoints = np.zeros((len(points), 3))
        self.outline = np.asarray(head, float)
        shapes = [shape for layer, _ in layers for shape in layer]
        self.levels = [level for level, (layer, _) in enumerate(layers) for _ in layer]
        self.styles = [shape[1:] for shape in shapes]
        self.cuts = np.cumsum([0] + [len(shape.points) for shape in shapes])
        self.vertices = np.concatenate([shape.points for shape in shapes])
        self.margins = np.concatenate(
            [np.full(len(s.points), s.thickness / 2 if s.solid else np.nan) for s in shapes]
        )
        self.depths = np.full(len(points), MAX_LAYERS - 1)
        for level, (_, names) in enumerate(layers):
            self.depths[[self.index[name] for name in names]] = level

    @property
    def box(self) -> np.ndarray:
        """The box x1, y1, x2, y2 (4,) of the silhouette, in pixels."""
        solid = ~np.isnan(self.margins)
        points, margins = self.vertices[solid], self.margins[solid, None]
        return np.concatenate([(points - margins).min(0), (points + margins).max(0)])

    @property
    def head(self) -> np.ndarray:
        """The box x1, y1, x2, y2 (4,) of the head, in pixels."""
        return np.concatenate([self.outline.min(0), self.outline.max(0)])

    def turn(self, degrees: float) -> None:
        """Turns the figure about the origin, clockwise in the picture."""
        turned = rotation(degrees)
        self.points = self.points @ turned
        self.vertices = self.vertices @ turned
        self.outline = self.outline @ turned

    def move(self, offset: np.ndarray) -> None:
        """Moves the figure by an offset (2,) in pixels."""
        self.points = self.points + offset
        self.vertices = self.vertices + offset
        self.outline = self.outline + offset

    def draw(self, image: np.ndarray, owner: np.ndarray, number: int) -> None:
        """Draws the figure, and marks the pixels of its layers.

        Args:
            image: BGR (H, W, 3), 0..255, changed in place.
            owner: (H, W), set to ``number * MAX_LAYERS`` plus the layer.
            number: The number of the figure in the picture, from 1.
        """
        fixed = np.rint(self.vertices * 16).astype(np.int32)
        for i, (colour, thickness, solid) in enumerate(self.styles):
            points = fixed[self.cuts[i] : self.cuts[i + 1]]
            mark = number * MAX_LAYERS + self.levels[i]
            if thickness:
                cv2.polylines(image, [points], False, colour, thickness, cv2.LINE_AA, 4)
            else:
                cv2.fillConvexPoly(image, points, colour, cv2.LINE_AA, 4)
            if solid and thickness:
                cv2.polylines(owner, [points], False, mark, thickness, cv2.LINE_8, 4)
            elif solid:
                cv2.fillConvexPoly(owner, points, mark, cv2.LINE_8, 4)

    def label(self, owner: np.ndarray, number: int) -> None:
        """Sets ``keypoints``: v is 2 if visible, 1 if hidden; zeros outside the picture."""
        height, width = owner.shape
        points = np.round(self.points, 2)
        inside = (points >= 0).all(1) & (points <= (width - 1, height - 1)).all(1)
        columns, rows = np.rint(points * inside[:, None]).astype(int).T
        # Figures are drawn from back to front, so only a greater mark hides a keypoint.
        hidden = owner[rows, columns] > number * MAX_LAYERS + self.depths
        keypoints = np.concatenate([points, np.where(hidden, 1.0, 2.0)[:, None]], axis=1)
        self.keypoints = keypoints * inside[:, None]

    def labelled(self, names: tuple[str, ...]) -> np.ndarray:
        """The x, y, v of some keypoints, (len(names), 3)."""
        return self.keypoints[[self.index[name] for name in names]]
