"""Writes lines and pictures of predictions. If the disk is full, no partial content stays."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np


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
    try:
        path.write_bytes(content)
    except OSError:
        path.unlink(missing_ok=True)
        raise
