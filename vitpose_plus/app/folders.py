"""The folders of the answers: one for each answer, deleted after some time."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from threading import Lock, Timer
from uuid import uuid4

from vitpose_plus.inference.writing import disk_errors

LIFETIME = 3600  # seconds


class Folders:
    """Makes a folder for each answer, below one temporary folder.

    A folder is deleted when it is old. All folders are deleted at the end of the process.

    Args:
        lifetime: The age in seconds at which a folder is deleted.

    Attributes:
        root: The folder of all folders.
    """

    def __init__(self, lifetime: float = LIFETIME) -> None:
        self.lifetime = lifetime
        self._temporary = tempfile.TemporaryDirectory(prefix='vitpose-app-')
        self.root = Path(self._temporary.name).resolve()
        self._lock = Lock()
        self._made: dict[Path, float] = {}  # folder -> time at which it was made
        self._timer: Timer | None = None

    @contextmanager
    def new(self) -> Iterator[Path]:
        """Gives a new empty folder, whose name cannot be guessed.

        Its age begins at the end of the context. After an error, it is deleted at once.

        Raises:
            RunError: The folder cannot be made.
        """
        folder = self.root / uuid4().hex
        with disk_errors(self.root):
            folder.mkdir()
        try:
            yield folder
        except BaseException:
            rmtree(folder, ignore_errors=True)
            raise
        with self._lock:
            self._made[folder] = time.monotonic()
            self._set_timer()

    def remove_old(self) -> None:
        """Deletes the folders that are old."""
        with self._lock:
            self._timer = None
            limit = time.monotonic() - self.lifetime
            for folder in [each for each, made in self._made.items() if made <= limit]:
                del self._made[folder]
                rmtree(folder, ignore_errors=True)
            self._set_timer()

    def _set_timer(self) -> None:
        """Waits until the oldest folder is old."""
        if self._made and self._timer is None:
            seconds = min(self._made.values()) + self.lifetime - time.monotonic()
            self._timer = Timer(max(seconds, 0), self.remove_old)
            self._timer.daemon = True
            self._timer.start()

    def close(self) -> None:
        """Deletes all folders."""
        with self._lock:
            self._made.clear()
            if self._timer is not None:
                self._timer.cancel()
        self._temporary.cleanup()
