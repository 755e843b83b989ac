"""Sources on the disk: a picture, a folder, a pattern."""

import glob
import os
import os.path as osp
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from vitpose_plus.errors import UserError
from vitpose_plus.inference.sources.decoding import decode
from vitpose_plus.inference.sources.films import FilmEntry
from vitpose_plus.inference.sources.names import as_text, in_message, size_of
from vitpose_plus.inference.sources.picture import Picture
from vitpose_plus.inference.sources.source import Entry, SinglePicture, Source, is_word
from vitpose_plus.inference.sources.walking import (
    files_below,
    is_film_name,
    is_source_name,
    sort_naturally,
)


@dataclass(kw_only=True)
class FilePicture(Picture):
    """A picture in a file.

    Attributes:
        path: The path of the file.
    """

    path: str

    def read(self) -> np.ndarray:
        name = in_message(self.source)
        try:
            _check_kind(self.path, name)
            content = Path(self.path).read_bytes()
        except OSError as error:
            raise UserError(
                f'{name} cannot be read ({error.strerror}): check the path and the permissions.'
            ) from error
        return decode(content, name)


class FileEntry(SinglePicture):
    """A picture in a file."""

    @property
    def stamp(self) -> str:
        return size_of(self.full)


def _check_kind(path: str, name: str) -> None:
    """Raises a ``UserError`` unless the path is a file or a pipe (as of a shell's ``<(...)``).

    Reading a device may never end.
    """
    mode = os.stat(path).st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
        raise UserError(f'{name} is a folder or a device, not a picture: give a file.')


class PictureFile(Source):
    """A file that is given by its name, with any ending."""

    @classmethod
    def accepts(cls, given: Any) -> bool:
        return is_word(given) and osp.lexists(given) and not osp.isdir(given)

    def entries(self, leave_out: Path | None) -> Iterator[Entry]:
        path = os.fspath(self.given)
        _refuse_results(path, osp.dirname(path), leave_out)
        yield from _entries([path], osp.dirname(path))


class Folder(Source):
    """All pictures and films below a folder, by their endings, in natural order.

    Hidden files are not used.
    """

    @classmethod
    def accepts(cls, given: Any) -> bool:
        return is_word(given) and osp.isdir(given)

    def entries(self, leave_out: Path | None) -> Iterator[Entry]:
        root = os.fspath(self.given)
        _refuse_results(root, root, leave_out)
        seen = set() if leave_out is None else {osp.realpath(leave_out)}
        entry = None
        for entry in _entries(files_below(str(Path(root)), osp.realpath(root), seen), root):
            yield entry
        if entry is None:
            raise UserError(
                f'{in_message(root)} has no pictures or films (files that end in .jpg, .mp4, ...): '
                'give another folder.'
            )


class Pattern(Source):
    """The pictures and films that match a pattern, in natural order.

    The wildcards are ``*``, ``?``, ``[...]`` and ``**``, which matches folders at any depth. As in
    a folder, only files with the ending of a picture or film are used. All matching names are in
    memory at the same time: the folders of a pattern give no order in which the matches can be
    streamed.
    """

    @classmethod
    def accepts(cls, given: Any) -> bool:
        return is_word(given) and glob.has_magic(os.fspath(given)) and '\0' not in str(given)

    def entries(self, leave_out: Path | None) -> Iterator[Entry]:
        pattern = os.fspath(self.given)
        root = osp.dirname(re.split('[*?[]', pattern)[0])
        entry = None
        for entry in _entries(_used(_matches(pattern), leave_out), root):
            yield entry
        if entry is None:
            raise UserError(
                f'{in_message(pattern)} is no file and matches no pictures or films: check the '
                'pattern.'
            )


class Missing(Source):
    """A word that no other class accepts: this class is the last one."""

    @classmethod
    def accepts(cls, given: Any) -> bool:
        return is_word(given)

    def entries(self, leave_out: Path | None) -> Iterator[Entry]:
        raise UserError(
            f'{in_message(self.given) or "An empty path"} does not exist: give a picture, a '
            'film, a folder, a pattern, @FILE, - or a URL.'
        )


def _matches(pattern: str) -> list[str]:
    """Returns the names of all matching files with the ending of a picture or film, in order."""
    found = glob.iglob(pattern, recursive=True)
    paths = [path for path in found if is_source_name(path) and not osp.isdir(path)]
    sort_naturally(paths)
    return paths


def _used(paths: list[str], leave_out: Path | None) -> Iterator[str]:
    """Yields each file once: ** follows links of folders, so a folder can have several names.

    The first name of a folder is used. The last part of a pattern is the same for all folders, so
    the same files match below each name.
    """
    firsts: dict[str, str] = {}  # real path of a folder -> its first name
    folders: dict[str, bool] = {}  # name of a folder -> whether its files are used
    last = None
    for path in paths:
        folder = osp.dirname(path)
        if folder not in folders:
            is_first = firsts.setdefault(osp.realpath(folder), folder) == folder
            folders[folder] = is_first and not _is_left_out(folder, leave_out)
        if folders[folder] and path != last:
            yield path
        last = path


def _entries(paths: Iterable[str], root: str) -> Iterator[Entry]:
    """Yields the entries of pictures and films.

    Args:
        paths: The paths of the files.
        root: The folder to which the paths of drawn pictures are relative.
    """
    last = None
    for path in paths:
        folder, name = osp.split(path)
        if folder != last:
            last, full = folder, osp.abspath(folder)
            below = osp.relpath(full, root or '.').replace(os.sep, '/')
        place, full_path = f'{below}/{name}'.removeprefix('./'), osp.join(full, name)
        if is_film_name(name):
            yield FilmEntry(place, full_path, path)
        else:
            make = partial(FilePicture, path=path)
            yield FileEntry(place, full_path, as_text(path), make)


def _refuse_results(given: str, folder: str, leave_out: Path | None) -> None:
    """Raises a ``UserError`` if a source is in the folder of the results."""
    if _is_left_out(folder, leave_out):
        raise UserError(
            f'{in_message(given)} is in the folder of the results: write them to another folder.'
        )


def _is_left_out(folder: str, leave_out: Path | None) -> bool:
    return leave_out is not None and Path(osp.realpath(folder)).is_relative_to(
        osp.realpath(leave_out)
    )
