"""Marks keypoints that jump against the neighbouring frames of their track.

Shapes: K keypoints of the dataset.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from vitpose_plus.inference.instances import Instance
from vitpose_plus.inference.results import Result
from vitpose_plus.inference.stages import Stage, Track, track_of

REACH = 3  # frames before and after
# Two neighbours give an expected position by a straight line through both, at the real times. The
# frame is also compared with lines through neighbours of one side: near a wrong frame, or where the
# direction changes, the right frames fit one of them.
BETWEEN = -1, 1
PAIRS = (BETWEEN, (-3, -2), (-3, -1), (-2, -1), (1, 2), (1, 3), (2, 3))
MEMORY = 100  # frames of the running median


@dataclass(frozen=True)
class Jumps(Stage):
    """Sets ``Instance.jumps`` in films, from the raw keypoints.

    The distance of a keypoint is the smallest distance to its expected positions (``PAIRS``). So a
    movement of constant velocity has the distance 0, and a wrong frame leaves the distances of its
    neighbours small. A keypoint jumps if its distance is above ``share`` times the length of the
    body, and above ``times`` the median of its own last distances: keypoints that always tremble
    are not marked all the time. At the end of a track and beside a gap, both limits are
    ``one_sided`` times as high. A keypoint is never marked if all its expected positions depend on
    one frame, because that frame may be the wrong one. The first two frames of a track are not
    marked: nothing is known about its last distances.

    Results are yielded three frames later than they arrive.

    Attributes:
        share: A part of the length of the body. The length is the longer side of the box around the
            keypoints, as a median of the neighbouring frames. Real movements bend by less than a
            tenth of the body from frame to frame.
        times: A factor of the median. Of normally distributed errors, fewer than 1 of 10,000 are
            above it.
        one_sided: A factor of both limits. The error of a line that is continued is larger than
            that of a line between two frames.
    """

    share: float = 0.1
    times: float = 6.0
    one_sided: float = 3.0

    def describe(self) -> dict[str, Any]:
        """Returns the settings, for the manifest."""
        return asdict(self)

    def film(self, results: Iterator[Result]) -> Iterator[Result]:
        waiting: deque[Result] = deque()
        window: Window = deque([NOTHING] * REACH, maxlen=2 * REACH + 1)
        usual: dict[Track, deque[np.ndarray]] = {}  # the last distances (K,) of each track
        for result in chain(results, [None] * REACH):
            if result is None:  # after the last frame
                window.append(NOTHING)
            else:
                waiting.append(result)
                window.append(_frame(result))
            if len(window) == window.maxlen:
                yield self._marked(waiting.popleft(), window, usual)

    def _marked(
        self, result: Result, window: 'Window', usual: dict[Track, deque[np.ndarray]]
    ) -> Result:
        """Returns the result of the frame in the middle of the window with its marks."""
        for track in [key for key in usual if not any(key in frame.tracks for frame in window)]:
            del usual[track]
        instances = []
        for instance in result.instances:
            track = track_of(instance, result)
            if track in window[REACH].tracks:
                before = usual.setdefault(track, deque(maxlen=MEMORY))
                jumps = self._jumps(track, window, before)
                instance = replace(instance, jumps=jumps if jumps.any() else None)
            instances.append(instance)
        return replace(result, instances=instances)

    def _jumps(self, track: Track, window: 'Window', usual: deque[np.ndarray]) -> np.ndarray:
        """Whether each keypoint jumps (K,); adds its distance to the last distances."""
        near = {
            offset: frame for offset, frame in enumerate(window, -REACH) if track in frame.tracks
        }
        points = {offset: frame.tracks[track].keypoints for offset, frame in near.items()}
        times = {offset: frame.time for offset, frame in near.items()}
        pairs = [
            (one, other)
            for one, other in PAIRS
            if {one, other} <= set(near) and times[one] != times[other]
        ]
        if not pairs or set.intersection(*map(set, pairs)):
            return np.zeros(len(points[0]), bool)
        distance = np.min([_distance(points, times, *pair) for pair in pairs], axis=0)
        usual.append(distance)
        neighbours = [_body(frame.tracks[track]) for offset, frame in near.items() if offset]
        limit = np.maximum(self.share * _length(neighbours), self.times * np.median(usual, axis=0))
        return distance > limit * (1 if BETWEEN in pairs else self.one_sided)


class _Frame(NamedTuple):
    """The time of a frame in seconds, and the instance of every track in it."""

    time: float | None
    tracks: dict[Track, Instance]


Window = deque[_Frame]
NOTHING = _Frame(None, {})  # before the first frame and after the last one


def _frame(result: Result) -> _Frame:
    tracks = {track_of(each, result): each for each in result.instances if not each.filled}
    tracks.pop(None, None)
    return _Frame(result.time, tracks)


def _distance(
    points: dict[int, np.ndarray], times: dict[int, float], one: int, other: int
) -> np.ndarray:
    """The distances (K,) of the keypoints from a line through two neighbours, in pixels."""
    share = (times[0] - times[one]) / (times[other] - times[one])
    expected = points[one] + share * (points[other] - points[one])
    return np.linalg.norm(points[0] - expected, axis=1)


def _body(instance: Instance) -> np.ndarray:
    """Points (N, 2) that show the size of the body: the keypoints, or the corners of the box."""
    points = instance.keypoints
    return points if len(points) > 1 else instance.box.reshape(2, 2)


def _length(bodies: Iterable[np.ndarray]) -> float:
    """The length of the body in pixels, from the neighbours of a frame."""
    return float(np.median([np.ptp(body, axis=0).max() for body in bodies]))
