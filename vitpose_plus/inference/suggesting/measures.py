"""Measures that are large if a frame may be predicted wrongly: one class for each.

Shapes: F frames.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from mmengine.config import Config
from scipy.stats import rankdata

from vitpose_plus.inference.instances import Instance
from vitpose_plus.inference.results import Result
from vitpose_plus.models.building import test_settings


class Measure(ABC):
    """A number for a frame.

    Attributes:
        title: What is measured, for a table.
    """

    title: str

    @abstractmethod
    def value(self, result: Result) -> float:
        """The value of a frame with at least one instance; larger: more probably wrong."""


class LowScore(Measure):
    """1 minus the mean score of the keypoints, of the instance with the lowest one."""

    title = '1 - score'

    def value(self, result: Result) -> float:
        return 1 - min(float(each.scores.mean()) for each in result.instances)


class FlipDistance(Measure):
    """The mean distance to the keypoints of the mirrored crop, in lengths of the body.

    It needs ``quality`` of the predictor. The length is the longer side of the box of the instance.
    Distances above one length count as one. The largest value of all instances is used.
    """

    title = 'flip distance / box'

    def value(self, result: Result) -> float:
        return max(map(self._of, result.instances))

    def _of(self, instance: Instance) -> float:
        length = np.ptp(instance.box.reshape(2, 2), axis=0).max()
        return float(np.minimum(instance.flip_distance / length, 1).mean())


class JumpingKeypoints(Measure):
    """The number of keypoints that jump against the neighbouring frames of a film."""

    title = 'jumps'

    def value(self, result: Result) -> float:
        return float(result.jumps)


def measures_of(cfg: Config, dataset: str) -> list[Measure]:
    """The measures for a dataset of a model with this config."""
    is_mirrored = has_flip_test(cfg) and has_flip_test(cfg, dataset)
    mirrored = [FlipDistance()] if is_mirrored else []
    return [LowScore(), *mirrored, JumpingKeypoints()]


def has_flip_test(cfg: Config, dataset: str | None = None) -> bool:
    """Whether a model, or its dataset, is tested with mirrored pictures.

    A model that was trained without mirrored pictures predicts them badly everywhere, so the
    distance to them is not used. Its config has no flip test.
    """
    heads = cfg.model.get('head', {}).get('heads', [])
    own = next((head for head in heads if head['dataset'] == dataset), {})
    return bool(test_settings(cfg.model, own).get('flip_test'))


def uncertainty(values: Sequence[Sequence[float]]) -> np.ndarray:
    """Combines measures of different units: the mean of their ranks.

    Args:
        values: The values of every frame, each a row of the same measures.

    Returns:
        Numbers above 0, up to 1 (F,). Equal values have equal ranks.
    """
    table = np.array(values, float)
    return (rankdata(table, axis=0) / len(table)).mean(1) if len(table) else np.zeros(0)
