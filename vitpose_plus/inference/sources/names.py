"""Names of files as text: for results, and for messages."""

import os
from pathlib import Path


def as_text(path: str | Path) -> str:
    """Text that JSON and UTF-8 take: bytes of a name that are not UTF-8 become ``\\xe9``."""
    return os.fspath(path).encode('utf-8', 'surrogateescape').decode('utf-8', 'backslashreplace')


def in_message(path: str | Path) -> str:
    """The same on one line, without what steers a terminal."""
    return ''.join(c if c.isprintable() else ascii(c)[1:-1] for c in as_text(path))
