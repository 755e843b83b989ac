"""A picture from standard input."""

import hashlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from vitpose_plus.errors import UserError
from vitpose_plus.inference.sources.decoding import decode
from vitpose_plus.inference.sources.picture import Picture
from vitpose_plus.inference.sources.source import Entry, Source


@dataclass(kw_only=True)
class InputPicture(Picture):
    """The picture that was read from standard input.

    Attributes:
        content: The bytes of the picture's file.
    """

    content: bytes

    def read(self) -> np.ndarray:
        return decode(self.content, 'The standard input')


@dataclass(frozen=True)
class InputEntry(Entry):
    """The bytes that were read from standard input."""

    content: bytes

    @property
    def stamp(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    def count(self) -> int:
        return 1

    def pictures(self, place: PurePosixPath) -> Iterator[Picture]:
        yield InputPicture(source=self.full, place=place, content=self.content)


class StandardInput(Source):
    """``-``: the bytes of one picture. They are kept, because they can be read only once."""

    is_shared = False

    @classmethod
    def accepts(cls, given: Any) -> bool:
        return isinstance(given, str) and given == '-'

    @cached_property
    def _content(self) -> bytes:
        return read_standard_input('the bytes of a picture')

    def entries(self, leave_out: Path | None) -> Iterator[Entry]:
        yield InputEntry('stdin', '-', self._content)


def read_standard_input(what: str) -> bytes:
    """Reads all bytes of standard input; raises a ``UserError`` if it is a terminal."""
    if sys.stdin is None or sys.stdin.isatty():
        raise UserError(f'- reads {what} from standard input, which is a terminal: give a pipe.')
    return sys.stdin.buffer.read()
