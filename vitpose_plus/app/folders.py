"""The folder of all uploads and answers: old files are deleted, and its size is limited."""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import rmtree
from threading import Event, Lock, Thread
from uuid import uuid4

from vitpose_plus.errors import UserError
from vitpose_plus.inference.writing import disk_errors

LIFETIME = 3600  # seconds
SWEEPS = 6  # in a lifetime
EXAMPLES = 'examples'  # the folder of the examples, which is not deleted


class Folders:
    """Makes a folder for each answer, below one temporary folder, which also has the uploads.

    Everything in the temporary folder is deleted when it is old: the folders of answers, uploads,
    and files of uploads that were not completed. All is deleted at the end of the process.

    Args:
        megabytes: The largest size of all files.
        lifetime: The age in seconds at which a file or folder is deleted. The age of a folder is
            that of its newest file.

    Attributes:
        root: The temporary folder.
    """

    def __init__(self, megabytes: float, lifetime: float = LIFETIME) -> None:
        self.megabytes, self.lifetime = megabytes, lifetime
        self._temporary = tempfile.TemporaryDirectory(prefix='vitpose-app-')
        self.root = Path(self._temporary.name).resolve()
        self._lock = Lock()
        self._used: set[Path] = {self.root / EXAMPLES}
        self._stopped = Event()
        Thread(target=self._sweep, daemon=True).start()

    @contextmanager
    def new(self) -> Iterator[Path]:
        """Gives a new empty folder, whose name cannot be guessed.

        Its age begins at the end of the context. After an error, it is deleted at once.

        Raises:
            UserError: There are too many files.
            RunError: The folder cannot be made.
        """
        self.check_space(0)
        folder = self.root / uuid4().hex
        with self._lock:
            self._used.add(folder)
        try:
            with disk_errors(self.root):
                folder.mkdir()
            yield folder
            os.utime(folder)
        except BaseException:
            rmtree(folder, ignore_errors=True)
            raise
        finally:
            with self._lock:
                self._used.remove(folder)

    def check_space(self, size: int) -> None:
        """Raises a ``UserError`` if there is no space for another file of this size in bytes."""
        stored = sum(each.st_size for each in _all_in(self.root))
        if stored + size > self.megabytes * 1e6:
            raise UserError(
                f'The page has stored {self.megabytes:g} megabytes of files, the limit: wait, old '
                'files are deleted after some time.'
            )

    def remove_old(self) -> None:
        """Deletes the files and folders that are old."""
        limit = time.time() - self.lifetime
        with self._lock:
            for path in set(self.root.iterdir()) - self._used:
                if max((each.st_mtime for each in _all_in(path)), default=0) > limit:
                    continue
                if path.is_dir():
                    rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)

    def _sweep(self) -> None:
        while not self._stopped.wait(self.lifetime / SWEEPS):
            with suppress(OSError):  # a file may disappear
                self.remove_old()

    def close(self) -> None:
        """Deletes all files."""
        self._stopped.set()
        with self._lock:
            self._temporary.cleanup()


def _all_in(path: Path) -> Iterator[os.stat_result]:
    """Yields the state of a file or folder, and of everything in it."""
    for each in (path, *path.rglob('*')):
        with suppress(OSError):  # it has just been deleted
            yield each.lstat()
