"""The folder of predictions: writes its files, and replaces earlier ones only if allowed."""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from shutil import rmtree
from typing import BinaryIO

from filelock import FileLock, Timeout

from vitpose_plus import files
from vitpose_plus.datasets.skeletons import Skeleton
from vitpose_plus.errors import UserError
from vitpose_plus.inference import journals
from vitpose_plus.inference.formats import FORMATS
from vitpose_plus.inference.formats.format import Format, Predictions
from vitpose_plus.inference.manifests import (
    MANIFEST,
    Manifest,
    first_change,
    read_manifest,
    write_manifest,
)
from vitpose_plus.inference.results import Result
from vitpose_plus.inference.writing import Lines, disk_errors, write_line

RECORD, FAILURES, DRAWN, SHARDS = 'predictions.ndjson', 'errors.ndjson', 'drawn', 'shards'


class PredictionFolder:
    """The folder of predictions, which several runs and processes can fill together.

    Each process of each run appends to its own journal in ``shards/``. If a run is killed, the
    journals stay, and the next run with the same settings resumes. ``finish`` merges the journals
    into ``predictions.ndjson`` and ``errors.ndjson``, makes the formats from them, and removes the
    journals. ``manifest.json`` states whether the predictions are complete.

    Args:
        folder: The path of the folder.
        manifest: The manifest of the new run.
        formats: The formats that are written.
        skeletons: Dataset name -> its keypoints.
        score: Keypoints with a higher score count as visible.
    """

    def __init__(
        self,
        folder: str | Path,
        manifest: Manifest,
        formats: Sequence[Format],
        skeletons: dict[str, Skeleton],
        score: float,
    ) -> None:
        self.folder = Path(folder)
        self.manifest = manifest
        self.formats = formats
        self.skeletons = skeletons
        self.score = score
        self.drawn = self.folder / DRAWN
        self._shards = self.folder / SHARDS
        self._lock = FileLock(self._shards / 'lock', blocking=False)

    def begin(self, force: bool) -> int | None:
        """Prepares the folder for a run, in the first process only.

        Args:
            force: Whether existing predictions are removed first.

        Returns:
            The number of the run, from 1; None if the predictions are complete already.

        Raises:
            UserError: The folder cannot be written, contains predictions of other settings, or
                another run is writing to it.
        """
        self._began = time.monotonic()
        check_place(self.folder)
        if not force:
            self._check_earlier()  # before anything is written
        with disk_errors(self.folder):
            self._shards.mkdir(parents=True, exist_ok=True)
            self._hold_lock()
            resumes = not force and self._check_earlier()  # another run may have ended meanwhile
            earlier = read_manifest(self.folder) if resumes else {}
            if earlier.get('complete'):
                self.manifest = earlier
                self._remove_shards()
                return None
            kept = (MANIFEST, DRAWN, SHARDS) if resumes else (SHARDS,)
            self._remove(name for name in self._own_names() if name not in kept)
            if not resumes:
                self._remove(f'{SHARDS}/{path.name}' for path in self._journals())
                write_manifest(self.folder, self.manifest)
            for unfinished in self.drawn.rglob(f'.*{files.UNFINISHED}*'):  # of a killed process
                _remove(unfinished)
        return 1 + max((int(path.name.split('-')[0]) for path in self._journals()), default=0)

    def _check_earlier(self) -> bool:
        """Whether there are earlier predictions of the same settings."""
        # A run that is killed before it has written its manifest leaves shards/ without journals.
        names = [name for name in self._own_names() if name != SHARDS or self._journals()]
        if not any(os.path.lexists(self.folder / name) for name in names):
            return False
        if change := first_change(read_manifest(self.folder), self.manifest):
            raise UserError(
                f'{self.folder} contains predictions {change}: name another folder with --out, or '
                'replace them with --force.'
            )
        return True

    def _hold_lock(self) -> None:
        """Holds the lock until the process ends: the system releases it then."""
        try:
            self._lock.acquire()
        except Timeout as error:
            raise UserError(
                f'Another run is writing to {self.folder}: wait until it has ended, or give '
                'another --out.'
            ) from error

    def _own_names(self) -> list[str]:
        every = [name for kind in FORMATS.values() for name in kind.names()]
        return [RECORD, FAILURES, MANIFEST, DRAWN, SHARDS, *every]

    def _remove(self, names: Iterable[str]) -> None:
        names = list(names)
        for name in names:
            _remove(self.folder / name)
        files.remove_unfinished(self.folder, names)  # left by a killed process

    def _journals(self) -> list[Path]:
        return sorted(self._shards.glob('[0-9]*-[0-9]*.ndjson'))

    def journal_path(self, run: int, process: int) -> Path:
        """The path of the journal of a process, from 0, in a run, from 1."""
        return self._shards / f'{run:06d}-{process:06d}.ndjson'

    def earlier(self, run: int) -> list[Path]:
        """The journals of all runs before this one."""
        return [path for path in self._journals() if path.name < f'{run:06d}']

    def finish(self, stages: Callable[[Iterator[Result]], Iterator[Result]]) -> None:
        """Writes all files of complete predictions, and then removes the journals.

        Args:
            stages: Tracks and smooths a stream of results.
        """
        counts = Counter(pictures=0, instances=0, errors=0, jumps=0, frames_with_jumps=0)
        with disk_errors(self.folder):
            with (
                files.replacing(self.folder / FAILURES) as failures,
                files.replacing(self.folder / RECORD) as record,
                open(failures, 'wb', buffering=0) as failure_file,
                open(record, 'wb', buffering=0) as file,
            ):
                for result in stages(self._merged(failure_file, counts)):
                    write_line(file, result.to_dict())
                    counts['pictures'] += 1
                    counts['instances'] += len(result.instances)
                    counts['jumps'] += result.jumps
                    counts['frames_with_jumps'] += result.jumps > 0
            predictions = Predictions(Lines(self.folder / RECORD), self.skeletons, self.score)
            for each in self.formats:
                each.write(predictions, self.folder)
            seconds = round(time.monotonic() - self._began, 3)
            self.manifest |= dict(complete=True, **counts, seconds=seconds)
            write_manifest(self.folder, self.manifest)
            self._remove_shards()

    def _merged(self, failures: BinaryIO, counts: Counter[str]) -> Iterator[Result]:
        """Yields all results in the order of the sources; failures are written to their file."""
        for line in journals.merged(self._journals()):
            del line['number']
            if journals.ERROR in line:
                write_line(failures, line)
                counts['errors'] += 1
            else:
                yield Result.from_dict(line, self.skeletons)

    def _remove_shards(self) -> None:
        """Removes the journals, and then the lock: now the next run can begin."""
        for path in self._journals():
            path.unlink()
        lock = Path(self._lock.lock_file)
        try:
            lock.unlink()
        except PermissionError:  # Windows removes no open file
            self._lock.release()
            lock.unlink()
        with suppress(OSError):  # another run may have begun
            self._shards.rmdir()
        self._lock.release()


def check_place(folder: Path) -> None:
    """Raises a ``UserError`` if no folder of predictions can be written at this path."""
    if os.path.lexists(folder) and not folder.is_dir():
        raise UserError(f'{folder} is not a folder: give another name with --out.')
    if reason := files.unwritable(folder):
        raise UserError(f'{folder} cannot be written, as {reason}: give another --out.')


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        rmtree(path)
    else:
        path.unlink(missing_ok=True)
