"""The checks before every training and test; they open no pictures."""

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
    """Raises a ``UserError`` for a problem; returns notes on harmless findings, as sentences.

    Files that have passed are not read again if their path, size and time, and the version of this
    package are the same.

    Args:
        dataset: The dataset, without annotations and pipeline; its files exist.
        needs: The fields that its loader and metrics read.
    """
    cache_file = cache_folder() / f'{_key(dataset, needs)}.json'
    passed = _load_passed(cache_file)
    if passed is None:
        report = Report()
        file = check_annotations(dataset, needs, report)
        if problems := report.findings.problems:
            others = len(problems) - 1
            more = f'; other kinds of problems in its files: {others}' if others else ''
            raise UserError(f'{str(problems[0]).rstrip(".")}{more}.')
        used = (
            [file.pictures[key].file_name for key in file.pictures if key in file.used]
            if file
            else []
        )
        passed = dict(notes=[str(note) for note in report.findings.notes], pictures=used)
        _store_passed(cache_file, passed)
    if dataset._indices is None:  # otherwise only some of the pictures are used
        check_pictures_are_there(dataset, passed['pictures'])
    return passed['notes']


def check_pictures_are_there(dataset: BaseDataset, names: list[str]) -> None:
    missing = list(missing_pictures(dataset.data_prefix.get('img', ''), names))
    if missing:
        row, path = missing[0]
        others = (
            f', and {len(missing) - 1} more of {len(names)} pictures' if len(missing) > 1 else ''
        )
        raise UserError(
            f'The picture {path} (row {row} of the pictures used in {dataset.ann_file}) is missing'
            f'{others}: put it there, or correct data_root or data_prefix.'
        )


def cache_folder() -> Path:
    """The folder with the records of the files that have passed."""
    try:
        base = os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache'
    except RuntimeError:  # a user without a home, as in a container
        base = os.devnull  # this is not a folder, so nothing is stored
    return Path(base) / 'vitpose_plus' / 'checked'


def _key(dataset: BaseDataset, needs: Needs) -> str:
    """A digest of everything that the result of the check depends on."""
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


def _load_passed(path: Path) -> dict | None:
    try:
        passed = json.loads(path.read_text(encoding='utf-8'))
        lists = passed['notes'], passed['pictures']
        fits = all(isinstance(texts, list) and set(map(type, texts)) <= {str} for texts in lists)
        return passed if fits else None
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None


def _store_passed(path: Path, passed: dict) -> None:
    """Stores the result; if this is impossible, the files are only read again next time."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with files.replacing(path) as part:
            part.write_text(json.dumps(passed), encoding='utf-8')
    except (OSError, UserError):
        return
