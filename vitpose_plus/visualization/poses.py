"""Draws poses on a picture.

Shapes: H, W of the picture; K keypoints; L links whose two ends are drawn.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from vitpose_plus.datasets.skeletons import LEFT, MIDDLE, RIGHT, Skeleton

SHIFT = 4  # OpenCV draws at multiples of 2 ** -SHIFT pixels
FAR = 1e7  # pixels; points farther away are moved here, so that they fit OpenCV's integers
DARK = (25, 25, 25)
# BGR by side, for the first dataset, the second, ... Left and right also look different to people
# who cannot distinguish red and green.
COLOURS = (
    {LEFT: (120, 225, 60), RIGHT: (30, 140, 255), MIDDLE: (255, 170, 80)},
    {LEFT: (240, 230, 0), RIGHT: (170, 70, 255), MIDDLE: (255, 130, 190)},
    {LEFT: (40, 235, 200), RIGHT: (70, 70, 255), MIDDLE: (150, 240, 255)},
    {LEFT: (255, 120, 60), RIGHT: (60, 200, 250), MIDDLE: (225, 225, 225)},
)


def draw_pose(
    image: np.ndarray,
    keypoints: np.ndarray,
    scores: np.ndarray,
    skeleton: Skeleton,
    box: np.ndarray | None = None,
    score: float = 0.3,
    label: str | None = None,
    number: int = 0,
) -> None:
    """Draws one person or animal, in place. The width of its lines depends on its size.

    Args:
        image: BGR (H, W, 3), uint8, contiguous.
        keypoints: x, y (K, 2) in pixels; 0 is the middle of the first pixel. They may be outside of
            the picture, or NaN.
        scores: The scores of the keypoints, (K,).
        skeleton: The skeleton of the K keypoints.
        box: x1, y1, x2, y2 (4,); the box is drawn, too.
        score: Keypoints with higher scores are drawn, and links between two of them.
        label: A text that is written at the box, or above the keypoints.
        number: The number of the dataset, which chooses the colours.
    """
    keypoints, scores = np.asarray(keypoints, np.float64), np.asarray(scores)
    shown = (scores > score) & np.isfinite(keypoints).all(axis=1)
    points = np.clip(np.where(shown[:, None], keypoints, 0), -FAR, FAR)
    frame = _frame(box, points[shown])
    if frame is None:
        return
    width = _line_width(frame, image.shape)
    colours = COLOURS[number % len(COLOURS)]
    if box is not None:
        _draw_box(image, frame, width, colours[MIDDLE])
    links = np.array([link for link in skeleton.links if shown[list(link)].all()], int)
    links = links.reshape(-1, 2)
    radii = _radii(points, shown, links, width)
    widths = np.minimum(width, 1.2 * radii[links].min(axis=1))
    sides = skeleton.sides
    _draw_links(image, points[links], widths, [colours[_side(sides, link)] for link in links])
    for i in np.flatnonzero(shown):
        _draw_dot(image, points[i], radii[i], colours[sides[i]])
    if label:
        _write(image, label, frame, width, colours[MIDDLE])


def _frame(box: np.ndarray | None, points: np.ndarray) -> np.ndarray | None:
    """x1, y1, x2, y2 of the box, else of a box around the points; None if there is neither."""
    if box is not None and np.isfinite(box).all():
        return np.clip(np.asarray(box, np.float64), -FAR, FAR)
    return np.concatenate([points.min(axis=0), points.max(axis=0)]) if len(points) else None


def _line_width(frame: np.ndarray, shape: Sequence[int]) -> float:
    """The width of the lines of a person or animal, in pixels: a seventieth of its size.

    If it is small in a large picture, the lines are wider, so that they are still visible when the
    picture is shown on a screen.
    """
    picture = max(shape[:2])
    w, h = np.minimum(np.abs(frame[2:] - frame[:2]), picture)
    size = max(np.sqrt(w * h), max(w, h) / 3)
    return max(1, size / 70, min(picture / 1500, size / 25))


def _side(sides: Sequence[int], link: np.ndarray) -> int:
    """The side of a link: the side of its ends, or the middle for a link from left to right."""
    found = {sides[end] for end in link} - {MIDDLE}
    return found.pop() if len(found) == 1 else MIDDLE


def _radii(points: np.ndarray, shown: np.ndarray, links: np.ndarray, width: float) -> np.ndarray:
    """The radii of the dots, (K,): small for short links (hands) and dense points (faces)."""
    lengths = np.linalg.norm(points[links[:, 0]] - points[links[:, 1]], axis=1)
    totals = np.bincount(links.ravel(), np.repeat(lengths, 2), len(points))
    counts = np.bincount(links.ravel(), minlength=len(points))
    near = np.where(counts > 0, totals / np.maximum(counts, 1), np.inf)
    others, alone = np.flatnonzero(shown), np.flatnonzero(shown & (counts == 0))
    apart = np.linalg.norm(points[alone, None] - points[others], axis=2)
    apart[alone[:, None] == others] = np.inf
    near[alone] = apart.min(axis=1, initial=np.inf)
    return np.clip(near / 6, 1, 1.3 * width + 0.3)


def _draw_links(
    image: np.ndarray,
    ends: np.ndarray,
    widths: np.ndarray,
    colours: Sequence[tuple[int, int, int]],
) -> None:
    """Draws all outlines first, so that no outline covers a link.

    Args:
        image: The picture.
        ends: x, y of both ends (L, 2, 2).
        widths: The widths of the links (L,), in pixels.
        colours: The colours of the L links.
    """
    inner = np.maximum(np.round(widths), 1).astype(int)
    outer = inner + np.maximum(np.round(inner / 2), 1).astype(int)
    for link, thickness in zip(ends, outer, strict=True):
        _draw_line(image, link, DARK, int(thickness))
    for link, thickness, colour in zip(ends, inner, colours, strict=True):
        _draw_line(image, link, colour, int(thickness))


def _draw_line(
    image: np.ndarray, ends: np.ndarray, colour: tuple[int, int, int], thickness: int
) -> None:
    """Cuts off the parts that are far outside the picture, then draws the line."""
    h, w = image.shape[:2]
    around = _fixed([-thickness, -thickness, w + 2 * thickness, h + 2 * thickness])
    is_inside, start, end = cv2.clipLine(around, _fixed(ends[0]), _fixed(ends[1]))
    if is_inside:
        cv2.line(image, start, end, colour, thickness, cv2.LINE_AA, SHIFT)


def _draw_dot(
    image: np.ndarray, point: np.ndarray, radius: float, colour: tuple[int, int, int]
) -> None:
    outline = radius + max(0.5, radius / 4)
    if (point < -outline).any() or (point > np.array(image.shape[1::-1]) + outline).any():
        return
    for size, fill in ((outline, DARK), (radius, colour)):
        [r] = _fixed([size])
        cv2.circle(image, _fixed(point), r, fill, cv2.FILLED, cv2.LINE_AA, SHIFT)


def _draw_box(
    image: np.ndarray, frame: np.ndarray, width: float, colour: tuple[int, int, int]
) -> None:
    """Draws the box; parts far outside the picture are moved close to it."""
    thickness = max(1, round(width / 3))
    outside = np.array(image.shape[1::-1] * 2) + thickness
    x1, y1, x2, y2 = _fixed(np.clip(frame, -thickness, outside))
    for thick, fill in ((thickness + max(1, thickness // 2), DARK), (thickness, colour)):
        cv2.rectangle(image, (x1, y1), (x2, y2), fill, thick, cv2.LINE_AA, SHIFT)


def _write(
    image: np.ndarray,
    label: str,
    frame: np.ndarray,
    width: float,
    colour: tuple[int, int, int],
) -> None:
    """Writes the label above the upper left corner, or as near to it as the picture allows."""
    scale, thickness = max(0.45, width / 5), max(1, round(width / 3))
    (w, h), below = cv2.getTextSize(label, cv2.FONT_HERSHEY_SIMPLEX, scale, thickness)
    height, length = image.shape[:2]
    x = int(np.clip(frame[0], 0, max(0, length - w)))
    y = int(np.clip(frame[1] - below, h, max(h, height - below)))
    cv2.rectangle(image, (x, y - h - below // 2), (x + w, y + below), DARK, cv2.FILLED)
    place = (x, y + below // 4)
    cv2.putText(
        image, label, place, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, thickness, cv2.LINE_AA
    )


def _fixed(values: Sequence[float] | np.ndarray) -> tuple[int, ...]:
    """Pixels as OpenCV's integers, in units of 2 ** -SHIFT pixels."""
    return tuple(round(float(value) * 2**SHIFT) for value in values)
