"""Lists of sources: in a file, a pipe, or from standard input."""

import os
import os.path as osp
from collections.abc import Iterator
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from vitpose_plus.errors import UserError
from vitpose_plus.files import about
from vitpose_plus.inference.sources.kinds import NAMED, source_of
from vitpose_plus.inference.sources.names import in_message
from vitpose_plus.inference.sources.source import Entry, Source
from vitpose_plus.inference.sources.streams import read_standard_input


class ListFile(Source):
    """``@FILE``: a list of sources, one per line. The file is read again, line by line, each time.

    Paths are relative to the working folder. White space around a line, empty lines, and lines that
    begin with ``#`` are ignored. A list cannot contain another list.
    """

    @classmethod
    def accepts(cls, given: Any) -> bool:
        return isinstance(given, str) and given.startswith('@')

    def entries(self, leave_out: Path | None) -> Iterator[Entry]:
        name, number = in_message(self.given), None
        with about(name):
            for number, word in enumerate(self._words()):
                yield from source_of(word, number, NAMED).entries(leave_out)
        if number is None:
            raise UserError(f'{name} names no pictures: write one per line.')

    def _words(self) -> Iterator[str]:
        with self._opened() as file:
            for number, line in enumerate(file):
                word = (line if number else line.removeprefix(b'\xef\xbb\xbf')).strip()
                if word and not word.startswith(b'#'):
                    yield os.fsdecode(word)

    def _opened(self) -> BinaryIO:
        try:
            return Path(self.given[1:]).open('rb')
        except (OSError, ValueError) as error:
            raise UserError(
                f'{in_message(self.given)}: the list {in_message(self.given[1:])} cannot be read '
                f'({getattr(error, "strerror", error)}): check the path.'
            ) from error


class PipeList(ListFile):
    """A list from a pipe, as of a shell's ``@<(...)``. It is kept, as it can be read only once."""

    is_shared = False

    @classmethod
    def accepts(cls, given: Any) -> bool:
        if not super().accepts(given) or '\0' in given:
            return False
        path = given[1:]
        return osp.exists(path) and not osp.isfile(path) and not osp.isdir(path)

    def _opened(self) -> BinaryIO:
        return BytesIO(self._content)

    @cached_property
    def _content(self) -> bytes:
        with super()._opened() as file:
            return file.read()


class InputList(PipeList):
    """``@-``: a list from standard input."""

    @classmethod
    def accepts(cls, given: Any) -> bool:
        return isinstance(given, str) and given == '@-'

    @cached_property
    def _content(self) -> bytes:
        return read_standard_input('a list of pictures')
