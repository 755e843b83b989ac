"""The paths of drawn pictures: all below one folder, and different for each picture."""

import os.path as osp
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath

from vitpose_plus.inference.sources.source import Entry

MAX_NAME_BYTES = 200  # systems allow 255; names of temporary files are longer
# Characters that some system forbids in names of files, or that have a meaning there.
FORBIDDEN = re.compile(r'[<>:"|?*\\\x00-\x1f\x7f-\x9f\ud800-\udfff]')


def unique_places(entries: Sequence[Entry]) -> list[PurePosixPath]:
    """Returns relative paths with the ending of a picture or film that can be written.

    The paths are relative to the given sources. If two pictures of different sources would have the
    same path, all paths are relative to the common parent of all files. Numbers are added to paths
    that are still the same.
    """
    places = [_of_drawing(entry.place, entry.drawn_endings) for entry in entries]
    owners: dict[str, str] = {}
    if any(
        owners.setdefault(_key(p), e.full) != e.full for p, e in zip(places, entries, strict=True)
    ):
        files = {osp.dirname(entry.full) for entry in entries if osp.isabs(entry.full)}
        parent = osp.commonpath(files) if files else ''
        places = [_of_drawing(_below(parent, e.full), e.drawn_endings) for e in entries]
    return [PurePosixPath(place) for place in _numbered(places)]


def _below(parent: str, full: str) -> str:
    return osp.relpath(full, parent) if osp.isabs(full) else full


def _of_drawing(place: str, endings: Sequence[str]) -> str:
    """Adds the first ending to a path, unless the path has one of these endings."""
    place = clean(place)
    is_written = PurePosixPath(place).suffix.lower() in endings  # the name '.jpg' has no suffix
    return place if is_written else clean(f'{place}{endings[0]}')


def clean(place: str) -> str:
    """Removes parts of a path that leave the folder, and replaces forbidden characters."""
    parts = [FORBIDDEN.sub('_', part) for part in place.split('/')]
    parts = [part for part in parts if part not in ('', '.', '..')] or ['picture']
    return '/'.join(_shortened(part) for part in parts)


def _shortened(name: str) -> str:
    """Shortens a name to at most ``MAX_NAME_BYTES`` bytes, with the same ending."""
    encoded = name.encode()
    if len(encoded) <= MAX_NAME_BYTES:
        return name
    ending = osp.splitext(name)[1].encode()[-10:]
    return (encoded[: MAX_NAME_BYTES - len(ending)].decode(errors='ignore')) + ending.decode()


def _key(place: str) -> str:
    """A key that is equal for names that mean the same file on some system."""
    return unicodedata.normalize('NFC', place).casefold()


def _numbered(places: list[str]) -> list[str]:
    """Adds a number to each path that is used already, or is a folder of another path."""
    taken = {_key(str(parent)) for place in places for parent in PurePosixPath(place).parents}
    counts: Counter[str] = Counter()
    unique = []
    for place in places:
        stem, ending = osp.splitext(place)
        new = place
        while _key(new) in taken:
            counts[_key(place)] += 1
            new = f'{stem}-{counts[_key(place)] + 1}{ending}'
        taken.add(_key(new))
        unique.append(new)
    return unique
