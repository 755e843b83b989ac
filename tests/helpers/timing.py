"""Times of two ways to compute the same, for tests that compare ratios, not seconds."""

import time
from collections.abc import Callable
from statistics import median
from typing import Any


def ratio_of_times(slow: Callable[[], Any], fast: Callable[[], Any], repeats: int = 5) -> float:
    """The median CPU time of ``slow`` divided by that of ``fast``.

    Both ways alternate, after one call of each that is not counted. CPU time does not depend on
    other processes as much as the time of a clock.
    """
    times = {slow: [], fast: []}
    for _ in range(repeats + 1):
        for way, own in times.items():
            start = time.process_time()
            way()
            own.append(time.process_time() - start)
    first, second = (median(own[1:]) for own in times.values())
    return first / second
