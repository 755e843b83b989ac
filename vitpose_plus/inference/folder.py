"""The folder of predictions: writes its files, and replaces earlier ones only if allowed."""

import json
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from typing import Any

from vitpose_plus import files
from vitpose_plus.datasets.skeletons import Skeleton
from vitpose_plus.errors import RunError, UserError
from vitpose_plus.inference.drawing import Drawings
from vitpose_plus.inference.formats import FORMATS
from vitpose_plus.inference.formats.format import Predictions
from vitpose_plus.inference.prediction import Failure
from vitpose_plus.inference.results import Result
from vitpose_plus.inference.writing import Lines, write_line
from vitpose_plus.version import __version__

SCHEMA_VERSION = 1
RECORD, FAILURES, MANIFEST, DRAWN = (
    'predictions.ndjson',
    'errors.ndjson',
    'manifest.json',
    'drawn',
)


class PredictionFolder:
    """Writes results one by one, and all formats at the end.

    This is a context manager. Each result adds a line to ``predictions.ndjson``, and each failure
    adds a line to ``errors.ndjson``. If the run is killed, the written lines are still valid.
    ``manifest.json`` states whether the run is complete.

    Args:
        folder: The path of the folder.
        model: The description of the model in the manifest.
        settings: The other settings of the predictions. ``draw``: whether pictures are drawn.
            ``score``: keypoints with a higher score are drawn, and count as visible.
        formats: The names of the formats.
        skeletons: Dataset name -> its keypoints.
        force: Whether predictions of other settings may be replaced.

    Raises:
        UserError: The folder cannot be written, or contains predictions of other settings.
    """

    def __init__(
        self,
        folder: str | Path,
        model: dict[str, Any],
        settings: dict[str, Any],
        formats: Iterable[str],
        skeletons: dict[str, Skeleton],
        force: bool = False,
    ) -> None:
        self.folder = Path(folder)
        names = sorted(set(formats))
        self.formats = [FORMATS[name]() for name in names]
        self.skeletons = skeletons
        self.score = settings['score']
        drawings = Drawings(self.folder / DRAWN, self.score)
        self.drawings = drawings if settings['draw'] else None
        self.manifest = dict(
            schema_version=SCHEMA_VERSION,
            version=__version__,
            complete=False,
            model=model,
            settings=settings | dict(formats=names),
            datasets={name: _described(skeleton) for name, skeleton in skeletons.items()},
        )
        self.counts = dict(pictures=0, instances=0, errors=0)
        check_place(self.folder)
        self._check_earlier(force)

    def _check_earlier(self, force: bool) -> None:
        earlier = [name for name in self._own_names() if os.path.lexists(self.folder / name)]
        if force or not earlier:
            return
        if change := _first_change(_manifest(self.folder), self.manifest):
            raise UserError(
                f'{self.folder} contains predictions {change}: name another folder with --out, or '
                'replace them with --force.'
            )

    def _own_names(self) -> list[str]:
        every = [name for kind in FORMATS.values() for name in kind().names()]
        return [RECORD, FAILURES, MANIFEST, DRAWN, *every]

    def __enter__(self) -> 'PredictionFolder':
        with self._disk_errors():
            self.folder.mkdir(parents=True, exist_ok=True)
            for name in self._own_names():
                _remove(self.folder / name)
            files.remove_unfinished(self.folder, self._own_names())  # left by a killed process
            self.began = time.monotonic()
            self._write_manifest()
            self.record = open(self.folder / RECORD, 'wb', buffering=0)
            self.failures = open(self.folder / FAILURES, 'wb', buffering=0)
        return self

    def __exit__(self, *error) -> None:
        with self._disk_errors():
            self.record.close()
            self.failures.close()
            if self.drawings:
                self.drawings.close()

    def add(self, result: Result) -> None:
        """Writes the drawn picture of a result, and then its line."""
        with self._disk_errors():
            if self.drawings:
                self.drawings.add(result)
            write_line(self.record, result.to_dict())
        self.counts['pictures'] += 1
        self.counts['instances'] += len(result.instances)

    def add_failure(self, failure: Failure) -> None:
        with self._disk_errors():
            write_line(self.failures, failure._asdict())
        self.counts['errors'] += 1

    def finish(self) -> None:
        """Writes the formats and the manifest, which now states that the run is complete."""
        predictions = Predictions(Lines(self.folder / RECORD), self.skeletons, self.score)
        with self._disk_errors():
            for each in self.formats:
                each.write(predictions, self.folder)
            seconds = round(time.monotonic() - self.began, 3)
            self.manifest |= dict(complete=True, **self.counts, seconds=seconds)
            self._write_manifest()

    def _write_manifest(self) -> None:
        with files.replacing(self.folder / MANIFEST) as new:
            new.write_text(json.dumps(self.manifest, indent=2) + '\n', encoding='utf-8')

    @contextmanager
    def _disk_errors(self) -> Iterator[None]:
        """Raises a ``RunError`` with one sentence if the disk is full or missing."""
        try:
            yield
        except OSError as error:
            raise RunError(
                f'{error.filename or self.folder} cannot be written ({error.strerror or error}): '
                f'{self.counts["pictures"]} pictures are in {self.folder / RECORD}; free '
                'disk space or give another --out, and run the command again.'
            ) from error


def check_place(folder: Path) -> None:
    """Raises a ``UserError`` if no folder of predictions can be written at this path."""
    if os.path.lexists(folder) and not folder.is_dir():
        raise UserError(f'{folder} is not a folder: give another name with --out.')
    if reason := files.unwritable(folder):
        raise UserError(f'{folder} cannot be written, as {reason}: give another --out.')


def _manifest(folder: Path) -> dict[str, Any]:
    """The manifest of the existing predictions; empty if it cannot be read."""
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding='utf-8'))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _first_change(earlier: dict[str, Any], now: dict[str, Any]) -> str | None:
    """A phrase about the first difference of model or settings; None if they are the same."""
    for part, phrase in (('model', 'of another model'), ('settings', 'of other settings')):
        old, new = earlier.get(part), json.loads(json.dumps(now[part]))
        if not isinstance(old, dict):
            return f'without a readable {MANIFEST} that states their settings'
        for key in [*new, *old]:
            if old.get(key) != new.get(key):
                return f'{phrase} ({key}: {_short(old.get(key))}, now {_short(new.get(key))})'
    return None


def _short(value: Any) -> str:
    """The value as a short text: there may be thousands of sources."""
    text = repr(value)
    return text if len(text) <= 80 else f'{text[:77]}...'


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _described(skeleton: Skeleton) -> dict[str, Any]:
    """The description of a dataset in the manifest."""
    return dict(keypoints=skeleton.names, links=skeleton.links)
