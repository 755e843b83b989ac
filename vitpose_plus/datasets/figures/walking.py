"""The parts of a synthetic film: lanes, on which figures walk across the picture, and occluders."""

from typing import Protocol

import cv2
import numpy as np

from vitpose_plus.datasets.figures.figure import MAX_LAYERS, Figure
from vitpose_plus.datasets.figures.shapes import Colour
from vitpose_plus.datasets.figures.tracked import Kind, Tracked

GAIT = 10.0  # how many frames of the poses' motion are in a second
DURATION = (5.0, 9.0)  # of a walk across the picture, in seconds
PAUSE = (0.3, 3.0)  # between two walks on a lane, in seconds


class Part(Protocol):
    """A part of a film that can be drawn."""

    def draw(self, time: float, image: np.ndarray, owner: np.ndarray, number: int) -> list[Tracked]:
        """Draws the part at a time in seconds; see ``Figure.draw``. Returns its figures."""


class Walk:
    """A figure that crosses the picture once, from outside to outside.

    Args:
        key: The seed of all random numbers.
        kind: The class of the figure.
        size: Nominal height of a person in pixels.
        floor: y of the ground in pixels.
        width: Width of the picture in pixels.
    """

    def __init__(self, key: list[int], kind: Kind, size: float, floor: float, width: int) -> None:
        rng = np.random.default_rng([*key, 0])
        self.key = [*key, 1]
        self.kind = kind
        self.size = size * kind.scale * rng.uniform(0.9, 1.1)
        self.duration = rng.uniform(*DURATION)
        self.pause = rng.uniform(*PAUSE)
        self.phase = rng.uniform(0, 100)
        # The speed is not constant: some figures nearly stop in the picture.
        self.waves = int(rng.integers(1, 3))
        self.change = rng.uniform(-0.9, 0.9) / (2 * np.pi * self.waves)
        still = self.sample(0.0)
        ends = still.points[still.index[kind.front]], self._back(still)
        # Limbs that swing may reach further than those of the still figure.
        reach = np.abs(still.box[[0, 2]]).max() + 0.3 * self.size
        self.path = np.sign(ends[0][0] - ends[1][0]) * (width / 2 + reach)
        self.origin = np.array([width / 2, floor - still.box[3]])

    def _back(self, figure: Figure) -> np.ndarray:
        return figure.points[[figure.index[name] for name in self.kind.back]].mean(0)

    def sample(self, time: float) -> Figure:
        """The figure at the origin, at a time in seconds from its start."""
        rng = np.random.default_rng(self.key)
        return self.kind.sample(rng, self.size, self.phase + GAIT * time)

    def at(self, time: float) -> Figure:
        """The figure at its place in the picture, at a time in seconds from its start."""
        share = time / self.duration
        share += self.change * np.sin(2 * np.pi * self.waves * share)
        figure = self.sample(time)
        figure.move(self.origin + np.array([(2 * share - 1) * self.path, 0]))
        return figure


class Lane:
    """A strip of the ground on which figures of one class walk, one after another.

    Args:
        key: The seed of all random numbers.
        number: The number of the lane, from 0.
        lanes: The number of lanes in the film.
        kind, size, floor, width: See ``Walk``.
    """

    def __init__(
        self,
        key: list[int],
        number: int,
        lanes: int,
        kind: Kind,
        size: float,
        floor: float,
        width: int,
    ) -> None:
        self.key = [*key, number]
        self.lanes = lanes
        self.arguments = kind, size, floor, width
        self.track_id = number + 1
        self.walk = Walk([*self.key, self.track_id], *self.arguments)
        # The first figure is already on its way when the film starts.
        share = np.random.default_rng(self.key).uniform(0, 0.8)
        self.start = -share * self.walk.duration

    def draw(self, time: float, image: np.ndarray, owner: np.ndarray, number: int) -> list[Tracked]:
        """Draws the figure that is on the lane. The time must not be less than in earlier calls."""
        while time >= self.start + self.walk.duration + self.walk.pause:
            self.start += self.walk.duration + self.walk.pause
            self.track_id += self.lanes
            self.walk = Walk([*self.key, self.track_id], *self.arguments)
        if time > self.start + self.walk.duration:
            return []
        figure = self.walk.at(time - self.start)
        figure.draw(image, owner, number)
        tracked = Tracked(self.track_id, self.walk.kind, figure, owner, number)
        return [tracked] if tracked.in_picture else []


class Occluder:
    """A shape that hides the figures behind it, with a convex outline xy (N, 2) in pixels."""

    def __init__(self, outline: np.ndarray, colour: Colour) -> None:
        self.outline = np.rint(outline * 16).astype(np.int32)
        self.colour = colour

    def draw(self, time: float, image: np.ndarray, owner: np.ndarray, number: int) -> list[Tracked]:
        cv2.fillConvexPoly(image, self.outline, self.colour, cv2.LINE_AA, 4)
        cv2.fillConvexPoly(owner, self.outline, number * MAX_LAYERS, cv2.LINE_8, 4)
        return []
