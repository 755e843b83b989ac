"""Opens the sources that a user gives."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
from PIL import Image

from vitpose_plus.errors import RunError, UserError
from vitpose_plus.inference.sources.kinds import NAMED, source_of
from vitpose_plus.inference.sources.lists import InputList, ListFile, PipeList
from vitpose_plus.inference.sources.memory import Array, PillowImage
from vitpose_plus.inference.sources.picture import Picture
from vitpose_plus.inference.sources.planning import Places, Survey, places_of
from vitpose_plus.inference.sources.selection import ALL, Selection
from vitpose_plus.inference.sources.source import Entry, Source, Unreadable
from vitpose_plus.inference.sources.streams import StandardInput

Given = str | Path | np.ndarray | Image.Image
# The first class that accepts the given source is used.
KINDS: list[type[Source]] = [
    Array, PillowImage, StandardInput, InputList, PipeList, ListFile, *NAMED,
]  # fmt: skip


class Planned(NamedTuple):
    """An entry with its number and its path.

    Attributes:
        number: The number of the entry among all entries of all sources, from 0.
        entry: The entry.
        place: The path of its drawn pictures; each entry has a different path.
    """

    number: int
    entry: Entry
    place: PurePosixPath

    def pictures(self) -> Iterator[Picture]:
        """Yields the pictures of the entry, which are not read yet."""
        for picture in self.entry.pictures(self.place):
            picture.number = self.number
            yield picture


class Sources:
    """The pictures of several sources, in order; they can be iterated several times.

    The entries are found again in each iteration, and only a few are in memory at a time. Only
    8 bytes for each entry are needed at the start, to find out whether drawn pictures would have
    the same path.

    Args:
        sources: The sources, in order.
        leave_out: A folder whose files are not used as sources.
        selection: The frames of films that are used.

    Attributes:
        given: The sources that the user gives, as text.
        selection: The frames of films that are used.
        has_endless: Whether a source ends only by Ctrl-C.
        total: The number of pictures; None if it is known only after reading.
        digest: The SHA-256 (hexadecimal) of the names of all entries, in order, and of the sizes of
            their files. It changes if pictures are added, removed or replaced.

    Raises:
        UserError: A source has no pictures.
    """

    def __init__(
        self, sources: Sequence[Source], leave_out: Path | None = None, selection: Selection = ALL
    ) -> None:
        self.given = [source.name for source in sources]
        self.selection = selection
        self._sources, self._leave_out = sources, leave_out
        self._names: bytes | None = None
        self.has_endless = False
        self.total, self.digest, self._places = self._plan()

    def entries(self) -> Iterator[Planned]:
        """Yields all entries, without reading their pictures; each call finds them again.

        Raises:
            RunError: At the end: the names are not the same as at the start.
        """
        for number, (entry, place) in enumerate(self._places.of(self._found())):
            yield Planned(number, entry, place)

    def __iter__(self) -> Iterator[Picture]:
        for planned in self.entries():
            yield from planned.pictures()

    def _plan(self) -> tuple[int | None, str, Places]:
        """Checks all entries, and returns the total, the digest, and the paths."""
        total: int | None = 0
        content, survey, has_film = hashlib.sha256(), Survey(), False
        fault, has_pictures = None, False
        for entry in self._found():
            try:
                count = entry.count()
                has_pictures = True
            except Unreadable as error:  # reported when it is read
                fault, count = fault or error, None
            total = None if None in (total, count) else total + count
            content.update(f'{entry.name}\0{entry.stamp}\0'.encode())
            survey.add(entry)
            has_film |= entry.is_film
            self.has_endless |= entry.is_endless
        if self.selection != ALL and not has_film:
            raise UserError('--from, --to and --every are for films, but no source is a film.')
        if fault and not has_pictures:
            raise fault
        return total, content.hexdigest(), places_of(survey, self._found)

    def _found(self) -> Iterator[Entry]:
        """Finds the entries of all sources, and checks at the end that they have not changed."""
        names = hashlib.sha256()
        for source in self._sources:
            for entry in source.entries(self._leave_out):
                names.update(f'{entry.name}\0'.encode())
                yield entry.selecting(self.selection)
        if names.digest() != (self._names or names.digest()):
            raise RunError(
                'Pictures were added to the sources, renamed or removed during the run: run again '
                'when the sources do not change any more.'
            )
        self._names = names.digest()


def open_sources(
    given: Given | Sequence[Given],
    leave_out: Path | None = None,
    selection: Selection = ALL,
    *,
    is_shared: bool = False,
) -> Sources:
    """Opens sources; their pictures are not read yet.

    Args:
        given: A picture, a film, a folder, a pattern, ``@FILE``, ``-``, a URL, ``camera:N``, an
            array (BGR or grey), a PIL image; or several of these. A source that is given twice is
            read twice.
        leave_out: A folder whose files are not used as sources, for example the results' folder.
        selection: The frames of films that are used.
        is_shared: Whether several processes open the same sources.

    Raises:
        UserError: A source does not exist, its type is not supported, or it cannot be shared.
    """
    several = isinstance(given, Sequence) and not isinstance(given, str | bytes)
    everything = list(given) if several else [given]
    if not everything:
        raise UserError('There are no sources: give a picture or a folder.')
    sources = [source_of(one, number, KINDS) for number, one in enumerate(everything)]
    if is_shared:
        for source in sources:
            if not source.is_shared:
                raise _only_one_process(source.name)
    opened = Sources(sources, leave_out, selection)
    if is_shared and opened.has_endless:
        raise _only_one_process('A camera')
    return opened


def _only_one_process(name: str) -> UserError:
    return UserError(
        f'{name} can be read by only one process: save it in a file, or leave --launcher out.'
    )
