"""Opens the sources that a user gives."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from vitpose_plus.errors import UserError
from vitpose_plus.files import about
from vitpose_plus.inference.sources.films import Film
from vitpose_plus.inference.sources.memory import Array, PillowImage
from vitpose_plus.inference.sources.names import as_text, in_message
from vitpose_plus.inference.sources.paths import Folder, Missing, Pattern, PictureFile
from vitpose_plus.inference.sources.picture import Picture
from vitpose_plus.inference.sources.places import unique_places
from vitpose_plus.inference.sources.selection import ALL, Selection
from vitpose_plus.inference.sources.source import Entry, Source, is_word
from vitpose_plus.inference.sources.streams import StandardInput, read_standard_input
from vitpose_plus.inference.sources.web import Url

Given = str | Path | np.ndarray | Image.Image


class Planned(NamedTuple):
    number: int
    entry: Entry
    place: object

    def pictures(self):
        for picture in self.entry.pictures(self.place):
            picture.number = self.number
            yield picture


class Sources:
    """The pictures of several sources, in order; they can be iterated several times.

    Args:
        given: The sources that the user gives, as text.
        entries: The entries of these sources.
        selection: The frames of films that are used.

    Attributes:
        given: The sources that the user gives, as text.
        selection: The frames of films that are used.
        total: The number of pictures; None if it is known only after reading.
    """

    def __init__(
        self, given: list[str], entries: Sequence[Entry], selection: Selection = ALL
    ) -> None:
        self.given, self.selection = given, selection
        self._entries = [entry.selecting(selection) for entry in entries]
        self._places = unique_places(entries)
        totals = [entry.total for entry in self._entries]
        self.total = None if None in totals else sum(totals)

        self.digest = ''

    def entries(self):
        for number, (entry, place) in enumerate(zip(self._entries, self._places, strict=True)):
            yield Planned(number, entry, place)

    def __iter__(self) -> Iterator[Picture]:
        for planned in self.entries():
            yield from planned.pictures()


class ListFile(Source):
    """``@FILE`` (``@-``: standard input): a list of sources, one per line.

    Paths are relative to the working folder. White space around a line, empty lines, and lines that
    begin with ``#`` are ignored. A list cannot contain another list.
    """

    @classmethod
    def accepts(cls, given: Any) -> bool:
        return isinstance(given, str) and given.startswith('@')

    def entries(self, leave_out: Path | None) -> Iterator[Entry]:
        lines = [
            line.strip() for line in self._content().removeprefix(b'\xef\xbb\xbf').split(b'\n')
        ]
        words = [os.fsdecode(line) for line in lines if line and not line.startswith(b'#')]
        name = in_message(self.given)
        if not words:
            raise UserError(f'{name} names no pictures: write one per line.')
        with about(name):
            for number, word in enumerate(words):
                yield from _open(word, number, NAMED).entries(leave_out)

    def _content(self) -> bytes:
        if self.given == '@-':
            return read_standard_input('a list of pictures')
        try:
            return Path(self.given[1:]).read_bytes()
        except (OSError, ValueError) as error:
            raise UserError(
                f'{in_message(self.given)}: the list {in_message(self.given[1:])} cannot be read '
                f'({getattr(error, "strerror", error)}): check the path.'
            ) from error


# The first class that accepts the given source is used: an existing file is never a pattern.
NAMED: list[type[Source]] = [Film, PictureFile, Folder, Url, Pattern, Missing]
KINDS: list[type[Source]] = [Array, PillowImage, StandardInput, ListFile, *NAMED]


def open_sources(
    given: Given | Sequence[Given], leave_out: Path | None = None, selection: Selection = ALL
) -> Sources:
    """Opens sources; their pictures are not read yet.

    Args:
        given: A picture, a film, a folder, a pattern, ``@FILE``, ``-``, a URL, an array (BGR or
            grey), a PIL image; or several of these. A source that is given twice is read twice.
        leave_out: A folder whose files are not used as sources, for example the results' folder.
        selection: The frames of films that are used.

    Raises:
        UserError: A source does not exist, or its type is not supported.
    """
    several = isinstance(given, Sequence) and not isinstance(given, str | bytes)
    everything = list(given) if several else [given]
    if not everything:
        raise UserError('There are no sources: give a picture or a folder.')
    entries: list[Entry] = []
    names = []
    for number, one in enumerate(everything):
        source = _open(one, number, KINDS)
        found = list(source.entries(leave_out))
        entries += found
        names.append(as_text(one) if is_word(one) else found[0].place)
    if selection != ALL and not any(entry.is_film for entry in entries):
        raise UserError('--from, --to and --every are for films, but no source is a film.')
    return Sources(names, entries, selection)


def _open(given: Any, number: int, kinds: Sequence[type[Source]]) -> Source:
    for kind in kinds:
        if kind.accepts(given):
            return kind(given, number)
    raise UserError(
        f'A source is of type {type(given).__name__}: give a path, an array or a PIL image.'
    )
