"""Text files of predictions, written piece by piece."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO


def open_text(path: Path, mode: str = 'w') -> TextIO:
    """Opened for writing, with the same bytes on every system."""
    return open(path, mode, encoding='utf-8', newline='')


def as_json(value: Any) -> str:
    """Raises a ``ValueError`` for NaN and infinity, which are no JSON."""
    return json.dumps(value, allow_nan=False)


def write_list(file: TextIO, values: Iterable[Any]) -> None:
    """A list of JSON with one value a line, of which only one is in memory."""
    file.write('[')
    for number, value in enumerate(values):
        file.write(f'{"," if number else ""}\n{as_json(value)}')
    file.write('\n]')
