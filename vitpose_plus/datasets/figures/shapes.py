"""Shapes that figures are made of: convex hulls of discs, outlines and lines."""

from __future__ import annotations

import colorsys
from typing import NamedTuple

import cv2
import numpy as np

Colour = tuple[int, int, int]

_TURN = np.linspace(0, 2 * np.pi, 24, endpoint=False)
CIRCLE = np.stack([np.cos(_TURN), np.sin(_TURN)], axis=1)
"""Points on the unit circle, (24, 2)."""

WARM = (-8.0, 50.0)
COOL = (168.0, 236.0)
"""Hue ranges in degrees that limbs of the left and of the right side keep to."""


class Shape(NamedTuple):
    """One drawn thing.

    Attributes:
        points: (N, 2) xy in pixels: a closed convex outline, or a polyline if ``thickness`` > 0.
        colour: BGR, 0..255.
        thickness: line width in pixels, 0 for a filled outline.
        solid: whether the shape belongs to the silhouette of its figure.
    """

    points: np.ndarray
    colour: Colour
    thickness: int = 0
    solid: bool = True


def hull(centres: np.ndarray, radii: np.ndarray | float, colour: Colour, solid=True) -> Shape:
    """Filled convex hull of discs with centres (N, 2) and radii (N,) in pixels."""
    centres = np.reshape(centres, (-1, 1, 2))
    points = (centres + np.reshape(radii, (-1, 1, 1)) * CIRCLE).reshape(-1, 2)
    if len(centres) > 1:
        points = cv2.convexHull(points.astype(np.float32))[:, 0].astype(float)
    return Shape(points, colour, 0, solid)


def line(points: np.ndarray, width: float, colour: Colour, solid: bool = False) -> Shape:
    """Polyline through points (N, 2), at least one pixel wide."""
    return Shape(np.asarray(points, float), colour, max(1, round(width)), solid)


def hsv(hue: float, saturation: float, value: float) -> Colour:
    """BGR of a hue in degrees and a saturation and value in 0..1."""
    red, green, blue = colorsys.hsv_to_rgb(hue / 360 % 1, min(saturation, 1), min(value, 1))
    return round(255 * blue), round(255 * green), round(255 * red)


def muted(rng: np.random.Generator, low: float = 0.25, high: float = 0.9) -> Colour:
    """A greyish BGR colour with a value in low..high."""
    return hsv(rng.uniform(0, 360), rng.uniform(0, 0.28), rng.uniform(low, high))


class SideColours:
    """Shades of one saturated hue for the limbs of one side of one figure."""

    def __init__(self, rng: np.random.Generator, family: tuple[float, float]) -> None:
        self._family = family
        self._hue = rng.uniform(*family)
        self._shift = rng.choice([-1, 1]) * rng.uniform(8, 18)
        self._saturation = rng.uniform(0.78, 1.0)
        self._value = rng.uniform(0.82, 1.0)

    def shade(self, value: float = 1.0, saturation: float = 1.0, shift: float = 0.0) -> Colour:
        """BGR: factors on value and saturation, ``shift`` 0..1 towards the second hue."""
        hue = float(np.clip(self._hue + shift * self._shift, *self._family))
        return hsv(hue, self._saturation * saturation, self._value * value)


def rotation(degrees: float) -> np.ndarray:
    """(2, 2) matrix that turns row vectors xy (y down) clockwise as seen."""
    cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return np.array([[cos, sin], [-sin, cos]])


def towards(degrees: float) -> np.ndarray:
    """Unit vector (2,): 0 is down the image, 90 is to the right."""
    return np.array([np.sin(np.deg2rad(degrees)), np.cos(np.deg2rad(degrees))])
