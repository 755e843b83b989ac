"""Measures how far the instances of labels are turned against each other."""

from collections.abc import Sequence

import numpy as np

from vitpose_plus.datasets.labels.model import LabelledInstance

MOST = 0.95  # the part of the instances that is within the angle
CLEARLY = 0.1  # by this part of a correlation the mirrored instance fits better


def turning(instances: Sequence[LabelledInstance], flips: Sequence[int]) -> float:
    """The angle in degrees, 0..180, within which most instances are turned against their mean.

    Every instance is turned so that it fits best to the one with most keypoints (a Procrustes
    rotation). The mirrored instance is used where it fits clearly better, so an animal in side
    view may look both ways.

    Args:
        instances: The instances; those with fewer than two keypoints in common with the reference
            do not count.
        flips: For each of the K keypoints, its number in a mirrored picture.
    """
    points = np.stack([instance.points for instance in instances])
    z = points[..., 0] + 1j * points[..., 1]
    labelled = points[..., 2] > 0
    reference = int(labelled.sum(1).argmax())
    fits = _fits(z, labelled, z[reference], labelled[reference])
    order = list(flips)
    mirrored = _fits(-z[:, order].conj(), labelled[:, order], z[reference], labelled[reference])
    fits = np.where(abs(mirrored) > abs(fits) + CLEARLY, mirrored, fits)
    turns = fits[abs(fits) > 0]
    if not len(turns):
        return 0.0
    turns = turns / abs(turns)
    centre = turns.mean()
    if abs(centre) < 1e-6:
        return 180.0
    return float(np.quantile(abs(np.degrees(np.angle(turns / centre))), MOST))


def _fits(
    z: np.ndarray, labelled: np.ndarray, reference: np.ndarray, known: np.ndarray
) -> np.ndarray:
    """The complex correlation of N shapes (N, K) with the reference (K,): -1..1 times a turn."""
    both = labelled & known
    number = np.maximum(both.sum(1, keepdims=True), 1)
    a = np.where(both, z - (z * both).sum(1, keepdims=True) / number, 0)
    b = np.where(both, reference - (reference * both).sum(1, keepdims=True) / number, 0)
    norm = np.sqrt((abs(a) ** 2).sum(1) * (abs(b) ** 2).sum(1))
    return (a * b.conj()).sum(1) / np.where(norm > 0, norm, 1)
