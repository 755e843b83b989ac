"""The interface of all kinds of sources."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from vitpose_plus.errors import UserError
from vitpose_plus.files import PICTURES
from vitpose_plus.inference.sources.names import as_text
from vitpose_plus.inference.sources.picture import Picture
from vitpose_plus.inference.sources.selection import Selection


class Unreadable(UserError):
    """An entry has no pictures. If other entries have some, the run continues with them."""


@dataclass(frozen=True)
class Entry(ABC):
    """A file, address or array with pictures, which is not read yet.

    Attributes:
        place: The path for its drawn pictures, relative to the given source.
        full: The absolute path of a file; else an address or a name. Entries with an equal
            ``full`` are the same file, address or array.
    """

    place: str
    full: str

    is_film = False
    is_endless = False  # whether it ends only by Ctrl-C; only one process can read it
    drawn_endings = PICTURES  # of the files with poses; the first one is added to other names

    @property
    def name(self) -> str:
        """The name in the results; it is valid UTF-8."""
        return self.full

    @property
    def stamp(self) -> str:
        """Changes if the content changes, for example the size of a file; empty if not known."""
        return ''

    @abstractmethod
    def count(self) -> int | None:
        """Checks the entry, and returns the number of its pictures.

        Returns:
            None if the number is known only after reading.

        Raises:
            Unreadable: The entry has no pictures. This is not checked for a single picture.
        """

    @abstractmethod
    def pictures(self, place: PurePosixPath) -> Iterator[Picture]:
        """Yields its pictures, which are not read yet.

        Args:
            place: The path for its drawn pictures; each entry has a different path.
        """

    def selecting(self, selection: Selection) -> 'Entry':
        """Returns the entry with only the selected frames; pictures are not changed."""
        return self


@dataclass(frozen=True)
class SinglePicture(Entry):
    """An entry with one picture, which ``make(source=..., place=...)`` returns."""

    source: str
    make: Callable[..., Picture]

    @property
    def name(self) -> str:
        return self.source

    def count(self) -> int:
        return 1

    def pictures(self, place: PurePosixPath) -> Iterator[Picture]:
        yield self.make(source=self.source, place=place)


class Source(ABC):
    """A source of pictures that a user gives.

    Args:
        given: The word, path, array or image that the user gives.
        number: The number of the source among all given sources, from 0.
    """

    is_shared = True  # whether several processes can read it

    def __init__(self, given: Any, number: int) -> None:
        self.given = given
        self.number = number

    @property
    def name(self) -> str:
        """The source as text, for the manifest."""
        return as_text(self.given)

    @classmethod
    @abstractmethod
    def accepts(cls, given: Any) -> bool:
        """Whether the source is of this kind; the first class that accepts it is used."""

    @abstractmethod
    def entries(self, leave_out: Path | None) -> Iterator[Entry]:
        """Yields the entries of the source, in order; each call finds them again.

        Args:
            leave_out: A folder whose files are not used as sources.

        Raises:
            UserError: The source has no pictures. The message is one sentence with its name.
        """


def is_word(given: Any) -> bool:
    """Whether the source is a text or path, not a picture in memory."""
    return isinstance(given, str | Path)
