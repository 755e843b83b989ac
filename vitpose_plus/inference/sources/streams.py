"""A picture from standard input."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from vitpose_plus.errors import UserError
from vitpose_plus.inference.sources.decoding import decode
from vitpose_plus.inference.sources.picture import Picture
from vitpose_plus.inference.sources.source import Entry, SinglePicture, Source


@dataclass(kw_only=True)
class InputPicture(Picture):
    """The picture that was read from standard input.

    Attributes:
        content: The bytes of the picture's file.
    """

    content: bytes

    def read(self) -> np.ndarray:
        return decode(self.content, 'The standard input')


class StandardInput(Source):
    """``-``: the bytes of one picture."""

    @classmethod
    def accepts(cls, given: Any) -> bool:
        return isinstance(given, str) and given == '-'

    def entries(self, leave_out: Path | None) -> Iterator[Entry]:
        content = read_standard_input('the bytes of a picture')
        yield SinglePicture('stdin', '-', partial(InputPicture, source='-', content=content))


def read_standard_input(what: str) -> bytes:
    """Reads all bytes of standard input; raises a ``UserError`` if it is a terminal."""
    if sys.stdin is None or sys.stdin.isatty():
        raise UserError(f'- reads {what} from standard input, which is a terminal: give a pipe.')
    return sys.stdin.buffer.read()
