"""What is looked at before every training and test: all that can be told without a picture."""

import hashlib
import json
import os
import os.path as osp
from dataclasses import asdict
from pathlib import Path

from mmengine.dataset import BaseDataset

from vitpose_plus import files
from vitpose_plus.datasets.checking.check import FILES, Report, check_annotations
from vitpose_plus.datasets.checking.needs import Needs
from vitpose_plus.datasets.checking.pictures import missing_pictures
from vitpose_plus.errors import UserError
from vitpose_plus.version import __version__


def check_dataset(dataset: BaseDataset, needs: Needs) -> list[str]:
    """Raises a ``UserError`` for what is wrong; notes of what is harmless, as sentences.

    Files that have passed are not read again in the same place, size, time and version.

    Args:
        dataset: Not read, without a pipeline; its files are there.
        needs: What its loader and metrics read.
    """
    memory = cache_folder() / f'{_key(dataset, needs)}.json'
    passed = _recalled(memory)
    if passed is None:
        report = Report()
        file = check_annotations(dataset, needs, report)
        if problems := report.findings.problems:
            others = len(problems) - 1
            more = f'; its files have {others} more, of other kinds' if others else ''
            raise UserError(f'{str(problems[0]).rstrip(".")}{more}.')
        used = (
            [file.pictures[key].file_name for key in file.pictures if key in file.used]
            if file
            else []
        )
        passed = dict(notes=[str(note) for note in report.findings.notes], pictures=used)
        _remember(memory, passed)
    if dataset._indices is None:  # else not all are used
        check_pictures_are_there(dataset, passed['pictures'])
    return passed['notes']


def check_pictures_are_there(dataset: BaseDataset, names: list[str]) -> None:
    missing = list(missing_pictures(dataset.data_prefix.get('img', ''), names))
    if missing:
        row, path = missing[0]
        others = f', and {len(missing) - 1} others of {len(names)}' if len(missing) > 1 else ''
        raise UserError(
            f'The picture {path} (row {row} of those used in {dataset.ann_file}) is missing'
            f'{others}: put it there, or correct data_root or data_prefix.'
        )


def cache_folder() -> Path:
    """Where it is remembered which files have passed."""
    try:
        base = os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache'
    except RuntimeError:  # a user without a home, as in a container
        base = os.devnull  # no folder: nothing is remembered
    return Path(base) / 'vitpose_plus' / 'checked'


def _key(dataset: BaseDataset, needs: Needs) -> str:
    """Of all that the outcome depends on."""
    paths = [getattr(dataset, name, None) for name in FILES]
    states = [
        (osp.abspath(path), os.stat(path).st_size, os.stat(path).st_mtime_ns)
        for path in paths
        if path
    ]
    names = sorted(dataset.metainfo['keypoint_id2name'].items())
    kind = f'{type(dataset).__module__}.{type(dataset).__qualname__}'
    facts = (__version__, kind, dataset.test_mode, names, asdict(needs), states)
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:32]


def _recalled(path: Path) -> dict | None:
    try:
        passed = json.loads(path.read_text(encoding='utf-8'))
        lists = passed['notes'], passed['pictures']
        fits = all(isinstance(texts, list) and set(map(type, texts)) <= {str} for texts in lists)
        return passed if fits else None
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None


def _remember(path: Path, passed: dict) -> None:
    """A folder that takes no files only costs the time of reading again."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with files.replacing(path) as part:
            part.write_text(json.dumps(passed), encoding='utf-8')
    except (OSError, UserError):
        return
