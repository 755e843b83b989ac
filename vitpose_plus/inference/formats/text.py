"""Writes text files of predictions piece by piece."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO


def open_text(path: Path, mode: str = 'w') -> TextIO:
    """Opens a file for writing. The same text gives the same bytes on every system."""
    return open(path, mode, encoding='utf-8', newline='')


def as_json(value: Any) -> str:
    """Returns JSON; raises a ``ValueError`` for NaN and infinity, which JSON does not have."""
    return json.dumps(value, allow_nan=False)


def write_list(file: TextIO, values: Iterable[Any]) -> None:
    """Writes a JSON list with one value per line; only one value is in memory at a time."""
    file.write('[')
    for number, value in enumerate(values):
        file.write(f'{"," if number else ""}\n{as_json(value)}')
    file.write('\n]')
