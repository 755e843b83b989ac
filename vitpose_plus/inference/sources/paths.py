"""Sources on the disk: a picture, a folder, a pattern."""

import glob
import os
import os.path as osp
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from vitpose_plus.errors import UserError
from vitpose_plus.inference.sources.decoding import decode
from vitpose_plus.inference.sources.names import as_text, in_message
from vitpose_plus.inference.sources.picture import Picture
from vitpose_plus.inference.sources.source import Entry, SinglePicture, Source, is_word
from vitpose_plus.inference.sources.walking import is_picture_name, natural, pictures_below


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
        yield _entry(path, osp.dirname(path))


class Folder(Source):
    """All pictures below a folder, by their endings, in natural order, without hidden files."""

    @classmethod
    def accepts(cls, given: Any) -> bool:
        return is_word(given) and osp.isdir(given)

    def entries(self, leave_out: Path | None) -> Iterator[Entry]:
        root = os.fspath(self.given)
        _refuse_results(root, root, leave_out)
        seen = set() if leave_out is None else {osp.realpath(leave_out)}
        paths = list(pictures_below(str(Path(root)), osp.realpath(root), seen))
        if not paths:
            raise UserError(
                f'{in_message(root)} has no pictures (files that end in .jpg, .png, ...): give '
                'another folder.'
            )
        return (_entry(path, root) for path in paths)


class Pattern(Source):
    """The pictures that match a pattern, in natural order.

    The wildcards are ``*``, ``?``, ``[...]`` and ``**``, which matches folders at any depth. As in
    a folder, only files with the ending of a picture are used.
    """

    @classmethod
    def accepts(cls, given: Any) -> bool:
        return is_word(given) and glob.has_magic(os.fspath(given)) and '\0' not in str(given)

    def entries(self, leave_out: Path | None) -> Iterator[Entry]:
        pattern = os.fspath(self.given)
        # ** follows links of folders several times: a file with several paths is used once.
        paths = {}
        for path in sorted(glob.iglob(pattern, recursive=True), key=natural):
            if is_picture_name(path) and not osp.isdir(path):
                paths.setdefault((osp.realpath(osp.dirname(path)), osp.basename(path)), path)
        kept = [path for path in paths.values() if not _is_left_out(osp.dirname(path), leave_out)]
        if not kept:
            raise UserError(
                f'{in_message(pattern)} is no file and matches no pictures: check the pattern.'
            )
        root = osp.dirname(re.split('[*?[]', pattern)[0])
        return (_entry(path, root) for path in kept)


class Missing(Source):
    """A word that no other class accepts: this class is the last one."""

    @classmethod
    def accepts(cls, given: Any) -> bool:
        return is_word(given)

    def entries(self, leave_out: Path | None) -> Iterator[Entry]:
        raise UserError(
            f'{in_message(self.given) or "An empty path"} does not exist: give a picture, a '
            'folder, a pattern, @FILE, - or a URL.'
        )


def _entry(path: str, root: str) -> SinglePicture:
    source = as_text(path)
    make = partial(FilePicture, source=source, path=path)
    place = Path(osp.relpath(path, root or '.')).as_posix()
    return SinglePicture(place, osp.abspath(path), make)


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
