"""The 1 EUR filter, which smooths the keypoints of tracks without a delay.

Shapes: K keypoints.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from vitpose_plus.errors import UserError
from vitpose_plus.inference.defaults import SCORE
from vitpose_plus.inference.instances import Instance
from vitpose_plus.inference.results import Result
from vitpose_plus.inference.smoothing.smoother import Smoother, seen_in
from vitpose_plus.inference.stages import Track, track_of

FORGET = 5.0  # seconds without an instance after which a track begins again


@dataclass
class _State:
    """The state of the filter of a track.

    Attributes:
        latest: Seconds of the last appearance.
        times: Seconds of the last update (K, 1); minus infinity before the first one.
        raw: x, y (K, 2) in pixels, as predicted.
        points: x, y (K, 2) in pixels, smoothed.
        speeds: Pixels per second (K, 2), smoothed.
    """

    latest: float
    times: np.ndarray
    raw: np.ndarray
    points: np.ndarray
    speeds: np.ndarray

    @classmethod
    def new(cls, time: float, number: int) -> '_State':
        never = np.full((number, 1), -np.inf)
        zeros = np.zeros((number, 2))
        return cls(time, never, raw=zeros, points=zeros, speeds=zeros)


@dataclass(frozen=True)
class OneEuro(Smoother):
    """The 1 EUR filter (Casiez et al., CHI 2012, algorithm 1) with the real steps of time.

    It is a low-pass filter whose cutoff increases with the speed of a keypoint. Slow keypoints
    jitter less, and fast keypoints have little lag. It uses only earlier frames, and yields each
    result at once. As in the paper, each coordinate has its own filter.

    Our reading: the speed is computed from raw positions. If it was computed from smoothed
    positions, it would depend on the rate of the frames. The cutoff depends on the speed in sizes
    of the box (square root of its area) per second, so that the resolution of the film does not
    matter.

    Args:
        min_cutoff: The cutoff at rest, in Hz.
        beta: The increase of the cutoff, in Hz per (size of the box per second).
        d_cutoff: The cutoff for the speed, in Hz.
        score: A keypoint with this score or a lower one does not update its filter.
    """

    min_cutoff: float = 2.0
    beta: float = 20.0
    d_cutoff: float = 1.0
    score: float = SCORE

    def __post_init__(self) -> None:
        if min(self.min_cutoff, self.d_cutoff) <= 0 or self.beta < 0:
            raise UserError(
                f'The cutoffs {self.min_cutoff} and {self.d_cutoff} with beta {self.beta} are '
                'wrong: give cutoffs above 0, and beta 0 or more.'
            )

    def describe(self) -> dict[str, Any]:
        return dict(kind='one-euro', **asdict(self))

    def film(self, results: Iterator[Result]) -> Iterator[Result]:
        states: dict[Track, _State] = {}
        for result in results:
            time, instances = result.time, []
            if time is not None:
                states = {key: one for key, one in states.items() if time - one.latest <= FORGET}
            for instance in result.instances:
                if track := track_of(instance, result):
                    if track not in states:
                        states[track] = _State.new(time, len(instance.scores))
                    instance = self._smoothed(instance, time, states[track])
                instances.append(instance)
            yield replace(result, instances=instances)

    def _smoothed(self, instance: Instance, time: float, state: _State) -> Instance:
        points, seen = np.asarray(instance.keypoints, np.float64), seen_in(instance, self.score)
        steps = time - state.times
        new = seen[:, None] & (steps > 0)
        steps = np.where(new, steps, np.inf)
        speeds = _low_pass((points - state.raw) / steps, state.speeds, self.d_cutoff, steps)
        cutoffs = self.min_cutoff + self.beta * np.abs(speeds) / _size(instance.box)
        smoothed = _low_pass(points, state.points, cutoffs, steps)
        state.latest = time
        state.times = np.where(new, time, state.times)
        state.raw = np.where(new, points, state.raw)
        state.speeds = np.where(new, speeds, state.speeds)
        state.points = np.where(new, smoothed, state.points)
        return replace(instance, smoothed=np.where(seen[:, None], state.points, points))


def _low_pass(
    values: np.ndarray, before: np.ndarray, cutoff: float | np.ndarray, steps: np.ndarray
) -> np.ndarray:
    """Exponential smoothing of (K, 2) with the factor 1 / (1 + 1 / (2 pi cutoff step)).

    An infinite step is a start: the result is ``values``.
    """
    return before + (values - before) / (1 + 1 / (2 * np.pi * cutoff * steps))


def _size(box: np.ndarray) -> float:
    """The square root of the area of a box, in pixels; at least 1."""
    x1, y1, x2, y2 = np.asarray(box, np.float64)
    return max(1.0, float(np.sqrt(abs((x2 - x1) * (y2 - y1)))))
