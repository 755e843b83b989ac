"""Gives each entry a different path for its drawn pictures, in bounded memory."""

import os.path as osp
import unicodedata
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from pathlib import PurePosixPath

import numpy as np

from vitpose_plus.inference.sources.places import below_parent, below_source, ending_of
from vitpose_plus.inference.sources.source import Entry

Entries = Callable[[], Iterable[Entry]]  # each call gives the same entries again
Name = Callable[[Entry], str]  # the path of an entry, to which a number may be added


class Survey:
    """Collects 64-bit hashes of the paths of all drawn pictures: 8 bytes for each picture.

    Args:
        name: Returns the path of an entry.
    """

    def __init__(self, name: Name = below_source) -> None:
        self.name = name
        self._files, self._folders = array('Q'), array('Q')
        self._folder = ''

    def add(self, entry: Entry) -> None:
        path = self.name(entry)
        self._files.append(_hash(path))
        folder = path.rpartition('/')[0]
        if folder != self._folder:
            self._folder = folder
            # The name of a picture has an ending, so only a folder with a dot may have this name.
            named = (parent for parent in PurePosixPath(path).parents if '.' in parent.name)
            self._folders.extend(_hash(str(parent)) for parent in named)

    def places(self) -> 'Places':
        """Returns the paths of the entries that were added."""
        files, folders = (np.array(part, np.uint64) for part in (self._files, self._folders))
        files.sort()
        repeated = np.unique(files[1:][files[1:] == files[:-1]])
        folded = np.unique(folders[_has(files, folders)])
        has_equal = len(repeated) or len(folded)
        taken = np.union1d(files, folders) if has_equal else files[:0].copy()
        return Places(self.name, repeated, folded, taken)


@dataclass(frozen=True)
class Places:
    """The paths of drawn pictures. Only hashes of paths are stored, and only if some are equal.

    Attributes:
        name: Returns the path of an entry, to which a number may be added.
        repeated: The hashes of the paths that several entries have, sorted.
        folded: The hashes of the paths that are also a folder of other paths, sorted.
        taken: The hashes of all paths and folders, sorted; empty if no paths are equal.
    """

    name: Name
    repeated: np.ndarray
    folded: np.ndarray
    taken: np.ndarray

    def of(self, entries: Iterable[Entry]) -> Iterator[tuple[Entry, PurePosixPath]]:
        """Yields all entries with their paths; the same entries always have the same paths.

        The first entry with a path keeps it. Numbers are added to the paths of later entries, and
        to a path that is a folder of another path.
        """
        counts: Counter[int] = Counter()  # hash of a path -> its highest number
        for entry in entries:
            path = self.name(entry)
            yield entry, PurePosixPath(self._numbered(path, counts) if len(self.taken) else path)

    def _numbered(self, path: str, counts: Counter[int]) -> str:
        key = _hash(path)
        is_folder = _has(self.folded, key)
        if not is_folder and not _has(self.repeated, key):
            return path
        counts[key] += 1
        if counts[key] == 1:
            if not is_folder:
                return path
            counts[key] = 2
        ending = ending_of(path)
        stem = path.removesuffix(ending)
        while _has(self.taken, _hash(new := f'{stem}-{counts[key]}{ending}')):
            counts[key] += 1
        return new


def places_of(survey: Survey, entries: Entries) -> Places:
    """Returns the paths of all entries.

    The paths are relative to the given sources. If two different files would have the same path,
    all paths are relative to the common parent of all files.

    Args:
        survey: All entries were added to it.
        entries: Returns the entries; it is called only if paths are equal.
    """
    places = survey.places()
    if not len(places.repeated):
        return places
    parent = _parent_of_different(places, entries())
    if parent is None:
        return places
    below = Survey(partial(below_parent, parent))
    for entry in entries():
        below.add(entry)
    return below.places()


def _parent_of_different(places: Places, entries: Iterable[Entry]) -> str | None:
    """The common parent of all files; None if no different files have the same path."""
    owners: dict[int, int] = {}  # hash of a path -> hash of the first file
    parent, differ, last = None, False, None
    for entry in entries:
        key = _hash(places.name(entry))
        if not differ and _has(places.repeated, key):
            file = _short_hash(entry.full)
            differ = owners.setdefault(key, file) != file
        folder = osp.dirname(entry.full)
        if osp.isabs(entry.full) and folder != last:
            parent, last = osp.commonpath([parent or folder, folder]), folder
    return (parent or '') if differ else None


def _hash(path: str) -> int:
    """A number that is equal for names that mean the same file on some system.

    Different names with the same number are very improbable, and only cause an additional number.
    """
    return _short_hash(unicodedata.normalize('NFC', path).casefold())


def _short_hash(text: str) -> int:
    """64 bits, the same on all machines."""
    content = text.encode('utf-8', 'surrogatepass')
    return int.from_bytes(blake2b(content, digest_size=8).digest())


def _has(hashes: np.ndarray, wanted: np.ndarray | int) -> np.ndarray | np.bool_:
    """Whether a sorted array has each of the wanted hashes."""
    wanted = np.asarray(wanted, np.uint64)
    return np.searchsorted(hashes, wanted) < np.searchsorted(hashes, wanted, 'right')
