"""Where the drawings of pictures go: of no two pictures the same place, all below one folder."""

import os.path as osp
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath

from vitpose_plus.files import PICTURES
from vitpose_plus.inference.sources.source import Entry

LONGEST = 200  # bytes of a name: systems take 255, and temporary names are longer
# What no file's name may have on some system, or means a drive there.
UNWANTED = re.compile(r'[<>:"|?*\\\x00-\x1f\x7f-\x9f\ud800-\udfff]')


def unique_places(entries: Sequence[Entry]) -> list[PurePosixPath]:
    """Relative paths, which end as a picture that OpenCV writes.

    They are relative to the sources that were given; if two pictures of different sources would
    have the same, to the common parent of all files; if that is not enough, they get numbers.
    """
    places = [_of_drawing(entry.place) for entry in entries]
    owners: dict[str, str] = {}
    if any(
        owners.setdefault(_key(p), e.full) != e.full for p, e in zip(places, entries, strict=True)
    ):
        files = {osp.dirname(entry.full) for entry in entries if osp.isabs(entry.full)}
        parent = osp.commonpath(files) if files else ''
        places = [_of_drawing(_below(parent, entry.full)) for entry in entries]
    return [PurePosixPath(place) for place in _numbered(places)]


def _below(parent: str, full: str) -> str:
    return osp.relpath(full, parent) if osp.isabs(full) else full


def _of_drawing(place: str) -> str:
    """With a picture's ending."""
    place = clean(place)
    is_written = PurePosixPath(place).suffix.lower() in PICTURES  # none of '.jpg' alone
    return place if is_written else clean(f'{place}.png')


def clean(place: str) -> str:
    """A path with ``/`` without what leads out of the folder or is not allowed in names."""
    parts = [UNWANTED.sub('_', part) for part in place.split('/')]
    parts = [part for part in parts if part not in ('', '.', '..')] or ['picture']
    return '/'.join(_shortened(part) for part in parts)


def _shortened(name: str) -> str:
    """At most ``LONGEST`` bytes, with the same ending."""
    encoded = name.encode()
    if len(encoded) <= LONGEST:
        return name
    ending = osp.splitext(name)[1].encode()[-10:]
    return (encoded[: LONGEST - len(ending)].decode(errors='ignore')) + ending.decode()


def _key(place: str) -> str:
    """The same for names that are one file on some system."""
    return unicodedata.normalize('NFC', place).casefold()


def _numbered(places: list[str]) -> list[str]:
    """Numbers for what is there already, or is a folder of another place."""
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
