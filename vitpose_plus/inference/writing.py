"""Writes lines and pictures of predictions. If the disk is full, no partial content stays."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

import cv2
import numpy as np

from vitpose_plus.errors import RunError
from vitpose_plus.files import UNFINISHED


class Lines:
    """The lines of an ndjson file; each iteration reads the file again.

    Args:
        path: The path of the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __iter__(self) -> Iterator[dict[str, Any]]:
        with open(self.path, encoding='utf-8') as file:
            yield from map(json.loads, file)


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Raises a ``RunError`` with one sentence if the folder's disk is full or missing."""
    try:
        yield
    except OSError as error:
        raise RunError(
            f'{error.filename or folder} cannot be written ({error.strerror or error}): free disk '
            'space, and run the same command, without --force, to resume.'
        ) from error


def write_line(file: BinaryIO, content: dict[str, Any]) -> None:
    """Adds a line to an ndjson file.

    Args:
        file: The file, opened without a buffer.
        content: The content of the line.
    """
    rest = json.dumps(content, allow_nan=False, separators=(',', ':')).encode() + b'\n'
    start = file.tell()
    try:
        while rest:
            rest = rest[file.write(rest) :]
    except OSError:
        file.truncate(start)
        raise


def write_picture(path: Path, image: np.ndarray) -> None:
    """Writes a BGR picture (height, width, 3) in the format of the path's ending."""
    path.parent.mkdir(parents=True, exist_ok=True)
    done, content = cv2.imencode(path.suffix, image)
    if not done:
        raise OSError(0, f'too large for {path.suffix}; --no-draw writes no pictures', str(path))
    # A killed process leaves no partial picture. A process of an earlier run may still write, too.
    new = path.with_name(f'.{path.name}{UNFINISHED}{uuid4().hex}')
    try:
        new.write_bytes(content)
        new.replace(path)
    except OSError:
        new.unlink(missing_ok=True)
        raise
