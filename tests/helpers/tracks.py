"""A synthetic walking figure: its true keypoints at any time, and results of its film.

Shapes: T times; K = 17 keypoints.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from vitpose_plus.inference.instances import Instance
from vitpose_plus.inference.results import Result

K = 17
HEIGHT = 300.0  # pixels of the figure


def walking(times: np.ndarray) -> np.ndarray:
    """Returns x, y (T, K, 2) in pixels; the limbs swing once per second, as in walking.

    The figure moves by 100 pixels per second. The keypoints swing by up to 45 pixels to each side,
    and by up to 10 pixels in height.
    """
    times = np.asarray(times, np.float64)[:, None]
    number = np.arange(K)
    swing = np.linspace(0, 45, K) * np.sin(2 * np.pi * times + np.pi * (number % 2))
    rise = np.linspace(0, 10, K) * np.cos(4 * np.pi * times + number)
    rest = 40 + HEIGHT * number / K
    return np.stack([100 + 100 * times + swing, rest + rise], axis=-1)


def box_of(points: np.ndarray) -> np.ndarray:
    """Returns x1, y1, x2, y2 of a box of constant size around the middle of the keypoints."""
    x, y = points.mean(axis=0)
    return np.array([x - 75, y - HEIGHT / 2, x + 75, y + HEIGHT / 2])


def film(
    times: Sequence[float],
    points: np.ndarray,
    scores: np.ndarray | None = None,
    missing: Sequence[int] = (),
    source: str = 'walk.mp4',
    id: int | None = 1,
) -> Iterator[Result]:
    """Yields the results of a film with one track.

    Args:
        times: Seconds of the T frames.
        points: x, y (T, K, 2).
        scores: The scores (T, K); by default 0.9.
        missing: The numbers of the frames without the instance.
        source: The name of the film.
        id: The id of the track.
    """
    scores = np.full(points.shape[:2], 0.9) if scores is None else scores
    for number, time in enumerate(times):
        own = Instance('coco', box_of(points[number]), 1.0, points[number], scores[number], id)
        instances = [] if number in missing else [own]
        yield Result(source, 640, 480, instances, frame=number, time=float(time))
