"""Converts names of files to text for results and messages."""

import os
from pathlib import Path


def as_text(path: str | Path) -> str:
    """Returns text that is valid UTF-8: other bytes of a name are escaped as ``\\xe9``."""
    return os.fspath(path).encode('utf-8', 'surrogateescape').decode('utf-8', 'backslashreplace')


def in_message(path: str | Path) -> str:
    """Returns ``as_text`` on one line; characters that control a terminal are escaped, too."""
    return ''.join(c if c.isprintable() else ascii(c)[1:-1] for c in as_text(path))


def size_of(path: str | Path) -> str:
    """Returns the size of a file in bytes; empty text if the file cannot be found."""
    try:
        return str(os.stat(path).st_size)
    except (OSError, ValueError):
        return ''
