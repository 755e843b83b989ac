"""The record of the files of synthetic figures: only recorded files are deleted."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

from vitpose_plus.files import sha256

RECORD = 'figures.json'
FIELDS = {'num_train', 'num_val', 'seed', 'files'}
FILM_FIELDS = {'films', 'seconds'}  # only in the record of a folder with films


def write_record(folder: Path, **arguments: float) -> None:
    """Writes a record into the folder: the digest of every file in it, and the arguments."""
    digests = {path.as_posix(): _digest(folder / path) for path in _contents(folder)}
    record = arguments | dict(files=digests)
    (folder / RECORD).write_text(json.dumps(record, indent=1) + '\n', encoding='utf-8')


def recorded(folder: Path) -> dict[str, str] | None:
    """The digests of the files that were written, by their path; None if there is no record."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding='utf-8'))
    except (OSError, ValueError):
        return None
    is_record = isinstance(record, dict) and set(record) in (FIELDS, FIELDS | FILM_FIELDS)
    return record['files'] if is_record and isinstance(record['files'], dict) else None


def unexpected(folder: Path, digests: dict[str, str]) -> Iterator[Path]:
    """The paths of files, links and empty folders that are not recorded, or were changed."""
    folders = {Path(), *(parent for name in digests for parent in Path(name).parents)}
    for path in _contents(folder):
        file = folder / path
        if file.is_symlink():
            expected = False
        elif file.is_dir():
            expected = path in folders
        else:
            expected = path == Path(RECORD) or digests.get(path.as_posix(), '') == _digest(file)
        if not expected:
            yield path


def _contents(folder: Path) -> Iterator[Path]:
    """The paths of all files, links and empty folders in the folder, without following links."""

    def fail(error: OSError) -> None:
        raise error

    for place, folders, files in os.walk(folder, onerror=fail):
        folders.sort()
        links = [name for name in folders if Path(place, name).is_symlink()]
        for name in sorted(links + files):
            yield Path(place, name).relative_to(folder)
        if not folders and not files:
            yield Path(place).relative_to(folder)


def _digest(file: Path) -> str | None:
    """The SHA-256 of a file; None if it has no content, like a socket or a pipe."""
    return sha256(file) if file.is_file() else None
