"""The paths of drawn pictures: all below one folder, with the ending of a picture or film."""

import os.path as osp
import re
from collections.abc import Sequence

from vitpose_plus.inference.sources.source import Entry

MAX_NAME_BYTES = 200  # systems allow 255; names of temporary files are longer
# Characters that some system forbids in names of files, or that have a meaning there.
FORBIDDEN = re.compile(r'[<>:"|?*\\\x00-\x1f\x7f-\x9f\ud800-\udfff]')


def below_source(entry: Entry) -> str:
    """Returns the path relative to the given source."""
    return _of_drawing(entry.place, entry.drawn_endings)


def below_parent(parent: str, entry: Entry) -> str:
    """Returns the path relative to a folder; an address or a name is not changed."""
    place = osp.relpath(entry.full, parent) if osp.isabs(entry.full) else entry.full
    return _of_drawing(place, entry.drawn_endings)


def _of_drawing(place: str, endings: Sequence[str]) -> str:
    """Adds the first ending to a path, unless the path has one of these endings."""
    place = clean(place)
    is_written = ending_of(place).lower() in endings
    return place if is_written else clean(f'{place}{endings[0]}')


def ending_of(place: str) -> str:
    """Returns the ending of a path's name with its dot; the name ``.jpg`` has none."""
    name = place.rpartition('/')[2]
    dot = name.rfind('.')
    return name[dot:] if dot > 0 else ''


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
