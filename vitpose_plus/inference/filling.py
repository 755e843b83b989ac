"""Fills the gaps of tracks: frames in which a person or animal was not found."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from vitpose_plus.inference.instances import Instance
from vitpose_plus.inference.results import Result
from vitpose_plus.inference.stages import Stage, Track, track_of


class Seen(NamedTuple):
    """The last appearance of a track; ``number`` counts the results of its film."""

    number: int
    time: float
    instance: Instance


@dataclass(frozen=True)
class Filling(Stage):
    """Fills each gap of a track that has at most ``most`` results.

    Box and keypoints are interpolated linearly in time. Each score is the lower one of both ends.
    The new instances have ``filled=True``, and come after the other instances of their result. The
    end of a gap must be known first. Therefore each result waits for the next ``most`` results, and
    ``most`` pictures are kept in memory.
    """

    most: int

    def film(self, results: Iterator[Result]) -> Iterator[Result]:
        waiting: deque[Result] = deque()
        last: dict[Track, Seen] = {}
        for number, result in enumerate(results):
            for instance in result.instances:
                if track := track_of(instance, result):
                    seen = Seen(number, result.time, instance)
                    if track in last:
                        _fill(waiting, last[track], seen)
                    last[track] = seen
            last = {key: seen for key, seen in last.items() if number - seen.number <= self.most}
            waiting.append(result)
            if len(waiting) > self.most:
                yield waiting.popleft()
        yield from waiting


def _fill(waiting: deque[Result], start: Seen, end: Seen) -> None:
    """Adds an instance to each of the last results, which come between start and end."""
    for place in range(start.number - end.number + 1, 0):
        result = waiting[place]
        if result.time is not None:
            instance = _between(start, end, result.time)
            waiting[place] = replace(result, instances=[*result.instances, instance])


def _between(start: Seen, end: Seen, time: float) -> Instance:
    one, other = start.instance, end.instance
    share = np.interp(time, (start.time, end.time), (0.0, 1.0))  # 0..1 for all times
    return replace(
        one,
        box=one.box + share * (other.box - one.box),
        box_score=min(one.box_score, other.box_score),
        keypoints=one.keypoints + share * (other.keypoints - one.keypoints),
        scores=np.minimum(one.scores, other.scores),
        filled=True,
        flip_distance=None,
        spread=None,
        jumps=None,
    )
