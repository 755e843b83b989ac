"""Stages change the results of films on their way from the model to the user."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from itertools import groupby

from vitpose_plus.inference.instances import Instance
from vitpose_plus.inference.results import Result

Track = tuple[str, int]  # dataset and id of the instances of one person or animal


class Stage(ABC):
    """Changes the results of each film on its own."""

    def __call__(self, results: Iterable[Result]) -> Iterator[Result]:
        """Yields each result once, in the same order."""
        for film in films(results):
            yield from self.film(film)

    @abstractmethod
    def film(self, results: Iterator[Result]) -> Iterator[Result]:
        """Yields the results of one film."""


def films(results: Iterable[Result]) -> Iterator[Iterator[Result]]:
    """Yields the results of every film as an iterator; each picture has its own iterator.

    A new film begins if the source changes, or if the number of the frame does not increase.
    """
    number, before = 0, None

    def film_of(result: Result) -> int:
        nonlocal number, before
        number += before is not None and not _continues(result, before)
        before = result.source, result.frame
        return number

    for _, film in groupby(results, film_of):
        yield film


def _continues(result: Result, before: tuple[str, int | None]) -> bool:
    source, frame = before
    is_later = None not in (result.frame, frame) and result.frame > frame
    return is_later and result.source == source


def track_of(instance: Instance, result: Result) -> Track | None:
    """The track of an instance; None if it has no id, or if its result has no time."""
    has_track = instance.id is not None and result.time is not None
    return (instance.dataset, instance.id) if has_track else None
