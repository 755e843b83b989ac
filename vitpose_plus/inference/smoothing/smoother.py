"""The interface of all smoothers."""

from abc import abstractmethod
from typing import Any

import numpy as np

from vitpose_plus.inference.instances import Instance
from vitpose_plus.inference.stages import Stage


class Smoother(Stage):
    """Adds ``smoothed`` to the instances of tracks; ``keypoints`` stay as they are predicted.

    A keypoint with a low score keeps its position, and changes no other frame. An instance without
    an id is not changed.
    """

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """Returns the settings for the manifest."""


def seen_in(instance: Instance, score: float) -> np.ndarray:
    """Whether the keypoints have higher scores and finite positions, (K,)."""
    return (instance.scores > score) & np.isfinite(instance.keypoints).all(axis=1)
