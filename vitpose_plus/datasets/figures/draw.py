"""Draws pictures: a background, several figures, and shapes that hide parts of them."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from vitpose_plus.datasets.figures.figure import Figure
from vitpose_plus.datasets.figures.shapes import CIRCLE, muted, rotation

Sampler = Callable[[np.random.Generator, float, float], Figure]

OCCLUDER = 255  # the mark of hiding shapes; greater than that of any layer
MAX_OVERLAP = 0.3  # largest share of a figure's box that other boxes may cover
# Smallest and largest nominal size of a figure in pixels, by the number of figures in the picture.
SIZES = {1: (165, 260), 2: (135, 225), 3: (110, 175)}


@dataclass
class Scene:
    """A picture with its figures.

    Attributes:
        image: BGR (H, W, 3), 0..255.
        figures: The figures from back to front, with ``keypoints`` set.
    """

    image: np.ndarray
    figures: list[Figure]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.image.shape[1], self.image.shape[0]


def compose(rng: np.random.Generator, sample: Sampler, time: float = 0.0) -> Scene:
    """A random picture of one to three figures; ``time``, in frames, moves them a little."""
    width, height = (int(size) for size in rng.integers((320, 256), (385, 321)))
    image = draw_background(rng, width, height)
    owner = np.zeros((height, width), np.uint8)
    figures: list[Figure] = []
    boxes: list[np.ndarray] = []
    count = int(rng.choice([1, 2, 3], p=(0.4, 0.4, 0.2)))
    for _ in range(count):
        still, figure = _sample_twice(rng, sample, rng.uniform(*SIZES[count]), time)
        offset, overlap = _place(rng, still.box, boxes, width, height)
        drift = rng.uniform(-5, 5, 2) * (1, 0.3)
        if overlap < MAX_OVERLAP:
            boxes.append(still.box + np.tile(offset, 2))
            figure.move(offset + time * drift)
            figures.append(figure)
            figure.draw(image, owner, len(figures))
    return finish(rng, image, owner, figures)


def finish(
    rng: np.random.Generator, image: np.ndarray, owner: np.ndarray, figures: list[Figure]
) -> Scene:
    """Makes a scene of figures that are already drawn: hides parts of some, and labels all.

    Args:
        image: BGR (H, W, 3), 0..255, changed in place.
        owner: (H, W), with the marks of ``Figure.draw``, changed in place.
        figures: The figures in the order of drawing.
    """
    for figure in figures:
        if rng.random() < 0.2:
            _draw_occluder(rng, image, owner, figure)
    for number, figure in enumerate(figures, 1):
        figure.label(owner, number)
    return Scene(image, figures)


def _sample_twice(
    rng: np.random.Generator, sample: Sampler, size: float, time: float
) -> tuple[Figure, Figure]:
    """The same random figure at time zero, which sets its place in all frames, and at ``time``."""
    state = rng.bit_generator.state
    still = sample(rng, size, 0.0)
    if not time:
        return still, still
    rng.bit_generator.state = state
    return still, sample(rng, size, time)


def draw_background(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    """A random greyish background (height, width, 3): plain, gradient or spotted, with lines."""
    base = np.array(muted(rng, 0.25, 0.95), float)
    spread = rng.uniform(10, 32)
    rows, columns = ((1, 1), (2, 2), (3, 4), (6, 8))[rng.choice(4, p=(0.15, 0.3, 0.3, 0.25))]
    grid = base + rng.normal(0, spread * 0.7, (rows, columns, 1))
    grid = np.clip(grid + rng.normal(0, spread * 0.3, (rows, columns, 3)), 10, 245)
    smooth = cv2.INTER_CUBIC if rows > 2 else cv2.INTER_LINEAR
    image = cv2.resize(grid.astype(np.uint8), (width, height), interpolation=smooth)
    for _ in range(rng.integers(0, 6)):
        ends = rng.uniform(0, 1, (2, 2)) * (width, height)
        tone = np.clip(base + rng.normal(0, 30) + rng.normal(0, 9, 3), 0, 255)
        colour = tuple(int(channel) for channel in tone)
        first, second = (tuple(int(x) for x in end) for end in ends)
        if rng.random() < 0.6:
            cv2.line(image, first, second, colour, int(rng.integers(1, 6)), cv2.LINE_AA)
        else:
            cv2.rectangle(image, first, second, colour, int(rng.choice([-1, 2])))
    return image


def _place(
    rng: np.random.Generator, box: np.ndarray, others: list[np.ndarray], width: int, height: int
) -> tuple[np.ndarray, float]:
    """A random place for a box, away from other boxes; sometimes partly outside the picture.

    Args:
        box: x1, y1, x2, y2 (4,) in pixels.
        others: The boxes that are already placed, each (4,).

    Returns:
        The offset (2,) of the box in pixels, and the share of it that other boxes cover.
    """
    size = box[2:] - box[:2]
    corners = sample_corners(rng, size, width, height)
    overlap = np.zeros(len(corners))
    for other in others:
        start = np.maximum(corners, other[:2])
        stop = np.minimum(corners + size, other[2:])
        overlap += np.clip(stop - start, 0, None).prod(1)
    best = overlap.argmin()
    return corners[best] - box[:2], overlap[best] / size.prod()


def sample_corners(
    rng: np.random.Generator, size: np.ndarray, width: int, height: int
) -> np.ndarray:
    """Random upper left corners (24, 2) for a box of ``size`` (2,) in pixels. A fifth of the calls
    allows up to 0.15 of the width and height outside the picture; otherwise the box is inside."""
    slack = 0.15 * size if rng.random() < 0.2 else -2.0
    room = np.array([width - 1, height - 1]) - size
    low, high = np.minimum(-slack, room / 2), np.maximum(room + slack, room / 2)
    return rng.uniform(low, high, (24, 2))


def _draw_occluder(
    rng: np.random.Generator, image: np.ndarray, owner: np.ndarray, figure: Figure
) -> None:
    """Draws a greyish rectangle or ellipse over a random part of a figure."""
    box = figure.box
    centre = box[:2] + rng.uniform(0.1, 0.9, 2) * (box[2:] - box[:2])
    half = rng.uniform(0.06, 0.13, 2) * (box[2:] - box[:2]).max()
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    outline = (corners if rng.random() < 0.5 else CIRCLE) * half
    turned = outline @ rotation(rng.uniform(-30, 30))
    points = np.rint((centre + turned) * 16).astype(np.int32)
    cv2.fillConvexPoly(image, points, muted(rng, 0.15, 0.85), cv2.LINE_AA, 4)
    cv2.fillConvexPoly(owner, points, OCCLUDER, cv2.LINE_8, 4)
