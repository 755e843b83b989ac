"""What every kind of source has to do."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from vitpose_plus.inference.sources.picture import Picture


@dataclass(frozen=True)
class Entry(ABC):
    """A file, address or array in which there are pictures; nothing of it is read yet.

    Attributes:
        place: The path that its drawings would have, relative to the source that was given.
        full: The same, absolute for a file; entries of one ``full`` are the same.
    """

    place: str
    full: str

    @property
    @abstractmethod
    def total(self) -> int | None:
        """The number of its pictures; None where only reading would show it."""

    @abstractmethod
    def pictures(self, place: PurePosixPath) -> Iterator[Picture]:
        """Its pictures, unread.

        Args:
            place: The path that its drawings have; of no two entries the same.
        """


@dataclass(frozen=True)
class SinglePicture(Entry):
    """An entry that is one picture, which ``make(place=...)`` makes."""

    make: Callable[..., Picture]

    @property
    def total(self) -> int:
        return 1

    def pictures(self, place: PurePosixPath) -> Iterator[Picture]:
        yield self.make(place=place)


class Source(ABC):
    """What one word, path, array or image stands for.

    Args:
        given: That word, path, array or image.
        number: Its number among all that were given, from 0.
    """

    def __init__(self, given: Any, number: int) -> None:
        self.given = given
        self.number = number

    @classmethod
    @abstractmethod
    def knows(cls, given: Any) -> bool:
        """Whether it is of this kind; the first kind that says so takes it."""

    @abstractmethod
    def entries(self, leave_out: Path | None) -> Iterator[Entry]:
        """In order.

        Args:
            leave_out: A folder whose files are no sources.

        Raises:
            UserError: Nothing is there, in one sentence that names it.
        """


def is_word(given: Any) -> bool:
    """Whether it is a text or path, not a picture in memory."""
    return isinstance(given, str | Path)
