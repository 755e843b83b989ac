"""Iterates over items: in groups, and with threads that work ahead."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar('Item')
Made = TypeVar('Made')


def groups(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Yields lists of ``size`` items; the last list may be shorter."""
    group = []
    for item in items:
        group.append(item)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group


def ahead(
    pool: ThreadPoolExecutor, make: Callable[[Item], Made], items: Iterable[Item], depth: int
) -> Iterator[Made]:
    """Yields ``make(item)`` for every item, in order; threads work up to ``depth`` items ahead."""
    futures: deque[Future[Made]] = deque()
    for item in items:
        futures.append(pool.submit(make, item))
        if len(futures) > depth:
            yield futures.popleft().result()
    while futures:
        yield futures.popleft().result()
