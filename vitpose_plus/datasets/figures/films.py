"""Synthetic films: people and animals walk across the picture, with true values in every frame."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from vitpose_plus.datasets.figures.draw import draw_background
from vitpose_plus.datasets.figures.rates import TICKS, Rate
from vitpose_plus.datasets.figures.shapes import CIRCLE, muted
from vitpose_plus.datasets.figures.tracked import ANIMAL, PERSON, Tracked
from vitpose_plus.datasets.figures.walking import Lane, Occluder, Part

FILM = 1000  # a part of the seed; sets of pictures have their position in ``SETS`` there
LANES = (PERSON, ANIMAL, PERSON, ANIMAL, PERSON)  # from back to front
# From back to front, as shares of the height of the picture.
FLOORS = np.linspace(0.66, 0.985, len(LANES))
SIZES = np.linspace(0.36, 0.56, len(LANES))


@dataclass
class Frame:
    """A frame of a film.

    Attributes:
        image: BGR (H, W, 3), 0..255.
        number: The number of the frame, from 0.
        ticks: The time of the frame in units of 1 / ``TICKS`` s.
        figures: The figures from back to front: those with a box of 1 px or more in the picture,
            also if other figures or occluders hide them.
    """

    image: np.ndarray
    number: int
    ticks: int
    figures: list[Tracked]

    @property
    def time(self) -> float:
        """The time of the frame in seconds."""
        return self.ticks / TICKS


class Film:
    """The background, the lanes and the occluders of a film.

    Args:
        seed: The seed of all films.
        index: The index of the film.
        size: Width and height in pixels.
    """

    def __init__(self, seed: int, index: int, size: tuple[int, int]) -> None:
        width, height = size
        key = [seed, FILM, index]
        rng = np.random.default_rng(key)
        self.background = draw_background(rng, width, height)
        lanes = [
            Lane(key, i, len(LANES), kind, SIZES[i] * height, FLOORS[i] * height, width)
            for i, kind in enumerate(LANES)
        ]
        pillar, bush = _pillar(rng, width, height), _bush(rng, width, height)
        self.parts: list[Part] = [*lanes[:3], pillar, lanes[3], bush, lanes[4]]

    def draw(self, number: int, ticks: int) -> Frame:
        """Draws a frame. The time, in units of 1 / ``TICKS`` s, must not decrease."""
        image = self.background.copy()
        owner = np.zeros(image.shape[:2], np.uint8)
        frame = Frame(image, number, ticks, [])
        for level, part in enumerate(self.parts, 1):
            frame.figures += part.draw(frame.time, image, owner, level)
        for tracked in frame.figures:
            tracked.label(owner)
        return frame


def scene_frames(
    seed: int, index: int, num_frames: int, rate: Rate, size: tuple[int, int]
) -> Iterator[Frame]:
    """The frames of a synthetic film, one after another, in constant memory.

    The motion depends on the seed and the index only: with another rate, the same film is sampled
    at other times.

    Args:
        seed: The seed of all films.
        index: The index of the film.
        num_frames: How many frames to draw.
        rate: The times of the frames.
        size: Width and height in pixels.
    """
    film = Film(seed, index, size)
    ticks = rate.ticks(np.random.default_rng([seed, FILM, index, len(LANES)]))
    return (film.draw(number, time) for number, time in enumerate(islice(ticks, num_frames)))


def _pillar(rng: np.random.Generator, width: int, height: int) -> Occluder:
    """A column from the top of the picture to the ground; it can hide a whole person."""
    middle, half = width * rng.uniform(0.2, 0.8), width * rng.uniform(0.06, 0.09)
    floor = height * (FLOORS[2] + FLOORS[3]) / 2
    corners = np.array([[-half, 0], [half, 0], [half, floor], [-half, floor]])
    return Occluder(corners + np.array([middle, 0]), muted(rng, 0.15, 0.85))


def _bush(rng: np.random.Generator, width: int, height: int) -> Occluder:
    """An ellipse on the ground, which hides legs and small animals."""
    centre = np.array([width * rng.uniform(0.1, 0.9), height * FLOORS[3]])
    half = np.array([width, height]) * rng.uniform((0.08, 0.1), (0.12, 0.16))
    return Occluder(centre + CIRCLE * half, muted(rng, 0.15, 0.85))
