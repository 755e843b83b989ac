"""Times several ways in one run: they alternate, so that a busy machine slows all of them down."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from vitpose_plus.benchmarking.meters import Meter
from vitpose_plus.benchmarking.ways import Way

MIN_SECONDS = 0.02  # a shorter call is repeated within a round
MAX_REPEATS = 1000


class Measured(NamedTuple):
    """The seconds of one call in each round, and the peak memory in bytes."""

    seconds: list[float]
    memory: int


def alternate(ways: Sequence[Way], rounds: int, meter: Meter) -> list[Measured]:
    """Runs every way three times to warm up, and then all ways in turn, ``rounds`` times.

    The first call compiles, and the second one records CUDA graphs; the peak memory is that of the
    second call. Every second round has the opposite order.
    """
    peaks, repeats = [], []
    for way in ways:
        way.run()
        peaks.append(meter.peak(way.run))
        seconds = meter.seconds(way.run)
        repeats.append(min(MAX_REPEATS, math.ceil(MIN_SECONDS / max(seconds, 1e-9))))
    found: list[list[float]] = [[] for _ in ways]
    for number in range(rounds):
        order = range(len(ways))
        for i in reversed(order) if number % 2 else order:
            found[i].append(meter.seconds(ways[i].run, repeats[i]))
    return [Measured(*each) for each in zip(found, peaks, strict=True)]
