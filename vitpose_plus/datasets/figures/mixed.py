"""Pictures of several people and animals of many sizes, and empty pictures."""

import numpy as np

from vitpose_plus.datasets.figures.animal_shapes import sample_animal
from vitpose_plus.datasets.figures.draw import Scene, draw_background, finish, sample_corners
from vitpose_plus.datasets.figures.figure import Figure
from vitpose_plus.datasets.figures.person_shapes import sample_person

EMPTY = 1 / 12  # the share of pictures without a figure
MOST_FIGURES = 8
SIZES = (24, 220)  # smallest and largest nominal size of a figure in pixels
MAX_COVERED = 0.4  # largest common area of two boxes, as a share of the smaller box
KINDS = (sample_person, sample_animal)


def compose_mixed(rng: np.random.Generator, time: float = 0.0) -> Scene:
    """A random picture of at most ``MOST_FIGURES`` figures; ``time``, in frames, moves animals."""
    width, height = (int(size) for size in rng.integers((480, 360), (721, 541)))
    image = draw_background(rng, width, height)
    owner = np.zeros((height, width), np.uint8)
    figures: list[Figure] = []
    boxes = np.empty((0, 4))
    count = 0 if rng.random() < EMPTY else int(rng.integers(1, MOST_FIGURES + 1))
    for _ in range(count):
        figure = KINDS[rng.integers(2)](rng, rng.uniform(*SIZES), time)
        box = figure.box
        corner = _find_corner(rng, box[2:] - box[:2], boxes, width, height)
        if corner is not None:
            figure.move(offset := corner - box[:2])
            boxes = np.concatenate([boxes, [box + np.tile(offset, 2)]])
            figures.append(figure)
            figure.draw(image, owner, len(figures))
    return finish(rng, image, owner, figures)


def _find_corner(
    rng: np.random.Generator, size: np.ndarray, others: np.ndarray, width: int, height: int
) -> np.ndarray | None:
    """A random upper left corner (2,) for a box with only a small overlap; None if there is none.

    Args:
        size: Width and height (2,) of the box in pixels.
        others: x1, y1, x2, y2 (N, 4) of the boxes that are already placed.
    """
    corners = sample_corners(rng, size, width, height)
    starts = np.maximum(corners[:, None], others[:, :2])
    stops = np.minimum((corners + size)[:, None], others[:, 2:])
    areas = np.minimum(size.prod(), (others[:, 2:] - others[:, :2]).prod(1))
    covered = (stops - starts).clip(0).prod(-1) / areas  # (corners, N)
    free = (covered < MAX_COVERED).all(1)
    return corners[free.argmax()] if free.any() else None
