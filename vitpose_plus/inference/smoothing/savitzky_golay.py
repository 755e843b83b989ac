"""The filter of Savitzky and Golay, for any steps of time.

Shapes: K keypoints; S samples in a window; P coefficients of a polynomial; U different patterns of
the samples in which a keypoint is seen.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from vitpose_plus.errors import UserError
from vitpose_plus.inference.defaults import SCORE
from vitpose_plus.inference.results import Result
from vitpose_plus.inference.smoothing.smoother import Smoother, seen_in
from vitpose_plus.inference.stages import Track, track_of


class _Sample(NamedTuple):
    """An appearance of a track; ``number`` counts the results of its film."""

    number: int
    time: float
    points: np.ndarray
    seen: np.ndarray


@dataclass(frozen=True)
class SavitzkyGolay(Smoother):
    """Fits a polynomial in time around each frame (Savitzky and Golay, 1964), by least squares.

    In the interior of a track with equal steps of time, this is the filter of SciPy's
    ``savgol_filter``. The fit uses the real times, so that frames may be missing and the steps may
    differ. It has no lag: each result waits for the next ``window // 2`` results, whose pictures
    are kept in memory. At the ends of a track, the window contains fewer frames. A keypoint that is
    seen in at most ``order + 1`` frames of the window keeps its position.

    Args:
        window: The number of frames in the window, odd.
        order: The degree of the polynomial.
        seconds: The longest duration of the window. If the film has few frames per second, the
            window contains fewer frames, because a polynomial does not fit a long motion.
        score: A keypoint with this score or a lower one is not used in the fits.
    """

    window: int = 11
    order: int = 2
    seconds: float = 0.5
    score: float = SCORE

    def __post_init__(self) -> None:
        if self.window % 2 == 0 or not 0 <= self.order < self.window or self.seconds <= 0:
            raise UserError(
                f'The window of {self.window} frames or {self.seconds} seconds with the order '
                f'{self.order} is wrong: give an odd number of frames, a duration above 0, and an '
                'order below the number of frames.'
            )

    def describe(self) -> dict[str, Any]:
        return dict(kind='savgol', **asdict(self))

    def film(self, results: Iterator[Result]) -> Iterator[Result]:
        half = self.window // 2
        waiting: deque[tuple[int, Result]] = deque()
        tracks: dict[Track, deque[_Sample]] = {}
        for number, result in enumerate(results):
            oldest = number - 2 * half
            tracks = {key: kept for key, kept in tracks.items() if kept[-1].number >= oldest}
            for instance in result.instances:
                if track := track_of(instance, result):
                    points, seen = instance.keypoints, seen_in(instance, self.score)
                    samples = tracks.setdefault(track, deque(maxlen=self.window))
                    samples.append(_Sample(number, result.time, points, seen))
            waiting.append((number, result))
            if len(waiting) > half:
                yield self._smoothed(*waiting.popleft(), tracks)
        while waiting:
            yield self._smoothed(*waiting.popleft(), tracks)

    def _smoothed(self, number: int, result: Result, tracks: dict[Track, deque[_Sample]]) -> Result:
        instances = []
        for instance in result.instances:
            if track := track_of(instance, result):
                near = [one for one in tracks[track] if self._is_near(one, number, result.time)]
                instance = replace(instance, smoothed=self._fitted(near, number))
            instances.append(instance)
        return replace(result, instances=instances)

    def _is_near(self, sample: _Sample, number: int, time: float) -> bool:
        is_soon = abs(sample.time - time) <= self.seconds / 2 + 1e-6  # times are rounded
        return is_soon and abs(sample.number - number) <= self.window // 2

    def _fitted(self, samples: Sequence[_Sample], number: int) -> np.ndarray:
        """The positions x, y (K, 2) in the sample with this number."""
        numbers, times, points, seen = (np.array(part) for part in zip(*samples, strict=True))
        [own] = np.flatnonzero(numbers == number)
        times = times - times[own]
        powers = (times / (np.abs(times).max() or 1.0))[:, None] ** np.arange(self.order + 1)
        patterns, which = np.unique(seen.T, axis=0, return_inverse=True)  # (U, S), (K,)
        weights = np.linalg.pinv(patterns[..., None] * powers)[:, 0]  # (U, P, S) -> (U, S)
        fitted = np.einsum('ks,skc->kc', weights[which], np.where(seen[..., None], points, 0))
        is_fitted = seen[own] & (seen.sum(axis=0) > self.order + 1)
        return np.where(is_fitted[:, None], fitted, points[own])
