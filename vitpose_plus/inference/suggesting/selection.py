"""Chooses frames that are uncertain and differ from each other.

Shapes: F frames, N candidates, M known frames, C features of a frame.
"""

import numpy as np

PARTS = 10  # times the count: so many frames at most are compared


def candidates(uncertainty: np.ndarray, count: int) -> np.ndarray:
    """The frames that are compared: the most uncertain one of each part of the frames.

    The parts are equal and consecutive, so a film is not represented only by its worst second.

    Args:
        uncertainty: Positive numbers (F,), in the order of the frames.
        count: The number of frames that will be chosen.

    Returns:
        Sorted indices (N,), all different; N is at most ``PARTS * count``.
    """
    number = min(PARTS * count, len(uncertainty))
    parts = np.array_split(np.arange(len(uncertainty)), number) if number else []
    return np.array([part[np.argmax(uncertainty[part])] for part in parts], int)


def select(
    uncertainty: np.ndarray, features: np.ndarray, count: int, known: np.ndarray | None = None
) -> list[int]:
    """Chooses candidates, one after the other.

    The next one has the largest product of its uncertainty and of its distance to the nearest frame
    that is chosen or known. Without known frames, the first one is the most uncertain one. So a
    copy of a chosen or known frame, whose distance is 0, comes after all others.

    Args:
        uncertainty: Positive numbers (N,).
        features: Vectors (N, C).
        count: The number of candidates to choose.
        known: The features (M, C) of frames that need no more labels.

    Returns:
        ``min(count, N)`` different indices, the most useful ones first.
    """
    nearest = np.full(len(features), np.inf)
    for row in () if known is None else known:
        nearest = np.minimum(nearest, _distances(features, row))
    chosen: list[int] = []
    for _ in range(min(count, len(features))):
        has_reference = np.isfinite(nearest).all()
        gain = uncertainty * nearest if has_reference else uncertainty.copy()
        gain[chosen] = -1
        best = np.flatnonzero(gain == gain.max())
        chosen.append(int(best[np.argmax(uncertainty[best])]))
        nearest = np.minimum(nearest, _distances(features, features[chosen[-1]]))
    return chosen


def _distances(features: np.ndarray, row: np.ndarray) -> np.ndarray:
    return np.linalg.norm(features - row, axis=1)
