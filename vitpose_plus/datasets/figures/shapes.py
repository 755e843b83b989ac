"""The shapes of figures: convex hulls of discs, outlines and lines."""

import colorsys
from typing import NamedTuple

import cv2
import numpy as np

Colour = tuple[int, int, int]

TURN = np.linspace(0, 2 * np.pi, 24, endpoint=False)
CIRCLE = np.stack([np.cos(TURN), np.sin(TURN)], axis=1)  # points on the unit circle, (24, 2)
# Ranges of hues in degrees: for limbs of the left side, and of the right side.
WARM = (-8.0, 50.0)
COOL = (168.0, 236.0)


class Shape(NamedTuple):
    """A filled outline or a line.

    Attributes:
        points: xy (N, 2) in pixels: a closed convex outline, or a polyline if ``thickness`` > 0.
        colour: BGR, 0..255.
        thickness: Width of the line in pixels; 0 for a filled outline.
        solid: Whether the shape is part of the silhouette of its figure.
    """

    points: np.ndarray
    colour: Colour
    thickness: int = 0
    solid: bool = True


def hull(
    centres: np.ndarray, radii: np.ndarray | float, colour: Colour, solid: bool = True
) -> Shape:
    """The filled convex hull of discs with centres (N, 2) and radii (N,), or one radius; pixels."""
    centres = np.reshape(centres, (-1, 1, 2))
    points = (centres + np.reshape(radii, (-1, 1, 1)) * CIRCLE).reshape(-1, 2)
    if len(centres) > 1:
        points = cv2.convexHull(points.astype(np.float32))[:, 0].astype(float)
    return Shape(points, colour, 0, solid)


def line(points: np.ndarray, width: float, colour: Colour, solid: bool = False) -> Shape:
    """A polyline through points (N, 2), at least one pixel wide."""
    return Shape(np.asarray(points, float), colour, max(1, round(width)), solid)


def hsv(hue: float, saturation: float, value: float) -> Colour:
    """The BGR colour of a hue in degrees, a saturation and a value, which are limited to 1."""
    red, green, blue = colorsys.hsv_to_rgb(hue / 360 % 1, min(saturation, 1), min(value, 1))
    return round(255 * blue), round(255 * green), round(255 * red)


def muted(rng: np.random.Generator, low: float = 0.25, high: float = 0.9) -> Colour:
    """A random greyish BGR colour with a value (0..1) between ``low`` and ``high``."""
    return hsv(rng.uniform(0, 360), rng.uniform(0, 0.28), rng.uniform(low, high))


class SideColours:
    """Shades of a random saturated hue, for the limbs of one side of a figure.

    Args:
        family: Smallest and largest hue in degrees.
    """

    def __init__(self, rng: np.random.Generator, family: tuple[float, float]) -> None:
        self.family = family
        self.hue = rng.uniform(*family)
        self.shift = rng.choice([-1, 1]) * rng.uniform(8, 18)
        self.saturation = rng.uniform(0.78, 1.0)
        self.value = rng.uniform(0.82, 1.0)

    def shade(self, value: float = 1.0, saturation: float = 1.0, shift: float = 0.0) -> Colour:
        """A BGR colour.

        Args:
            value: A factor on the value.
            saturation: A factor on the saturation.
            shift: How far the hue moves towards a neighbouring hue, 0..1.
        """
        hue = float(np.clip(self.hue + shift * self.shift, *self.family))
        return hsv(hue, self.saturation * saturation, self.value * value)


def rotation(degrees: float) -> np.ndarray:
    """The matrix (2, 2) that turns row vectors xy clockwise in the picture, where y points down."""
    cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return np.array([[cos, sin], [-sin, cos]])


def towards(degrees: float) -> np.ndarray:
    """The unit vector (2,) of an angle: 0 points down in the picture, 90 to the right."""
    return np.array([np.sin(np.deg2rad(degrees)), np.cos(np.deg2rad(degrees))])
