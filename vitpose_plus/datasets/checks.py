"""What is wrong with a dataset on disk: files, annotations, pictures."""

import io
import json
import os.path as osp
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, field

import numpy as np
from mmengine.dataset import BaseDataset
from PIL import Image

from vitpose_plus.datasets.companions import companion_problems
from vitpose_plus.datasets.multi_dataset import load_annotations
from vitpose_plus.datasets.published import PUBLISHED
from vitpose_plus.datasets.records import Picture, Record, pictures, records
from vitpose_plus.errors import UserError

FILES = ('ann_file', 'bbox_file', 'headbox_file', 'camera_param_file', 'joint_file')
# Official files have a few boxes that are empty or lie beside the picture. mmpose clips boxes and
# leaves the empty ones out; more of them than this share are a sign of another format.
ODD_BOXES = 1e-3


@dataclass
class Report:
    """What an annotation file and its pictures are like.

    Args:
        counts: Its ``images``, ``annotations`` and those of them that are ``used``, if known.
        problems: A sentence for each kind.
    """

    counts: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def check(dataset: BaseDataset, num_open: int | None, any_count: bool, track: Callable) -> Report:
    """Looks at everything that training or testing with a dataset would read.

    Args:
        dataset: Not read yet, and without a pipeline.
        num_open: How many of its pictures to open; None for all.
        any_count: Do not compare with the published counts.
        track: Wraps the pictures, to show how far it is.
    """
    report = Report(problems=list(_missing(dataset)))
    if not osp.isfile(dataset.ann_file):
        return report
    try:
        with open(dataset.ann_file, encoding='utf-8') as file:
            content = json.load(file)
        named = pictures(dataset, content)
        annotated = list(records(dataset, content))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        report.problems.append(
            f'{dataset.ann_file} cannot be read as annotations of the dataset '
            f'({type(error).__name__}: {error}): download or prepare it again.'
        )
        return report
    report.counts.update(images=len(named), annotations=len(annotated))
    report.problems += _misfits(dataset, named, annotated)
    report.problems += companion_problems(dataset, content, named)
    if not report.problems:
        _count_used(dataset, report)
    if not any_count:
        report.problems += _other_counts(dataset, report.counts)
    if osp.isdir(dataset.data_prefix.get('img', '')):
        report.problems += _picture_problems(dataset, named, num_open, track)
    return report


def missing_files(dataset: BaseDataset) -> Iterator[tuple[str, str]]:
    """Field and path of every file that the dataset names and that is not there."""
    for name in FILES:
        path = getattr(dataset, name, None)
        if path and not osp.isfile(path):
            yield name, path


def _missing(dataset: BaseDataset) -> Iterator[str]:
    for name, path in missing_files(dataset):
        yield f'{path} ({name}) is missing: put it there.'
    folder = dataset.data_prefix.get('img')
    if folder and not osp.isdir(folder):
        yield f'The folder of pictures {folder} is missing: unpack the pictures there.'


def _misfits(
    dataset: BaseDataset, named: dict[int | str, Picture], annotated: list[Record]
) -> Iterator[str]:
    """Annotations without a picture, with other keypoints, with impossible boxes."""
    expected = dataset.metainfo['num_keypoints']
    strays = [r for r in annotated if r.image not in named]
    if strays:
        yield _several(dataset.ann_file, strays[0].title, 'is of no image in the file', strays)
    others = [r for r in annotated if r.num_keypoints != expected]
    if others:
        what = f'has {others[0].num_keypoints:g} keypoints, not {expected}'
        yield _several(dataset.ann_file, others[0].title, what, others)
    odd = [r for r in annotated if r.image in named and not _fits(r.box, named[r.image].size)]
    if len(odd) > ODD_BOXES * len(annotated):
        what = f'has the box {odd[0].box} (x, y, width, height), which is not in its picture'
        yield _several(dataset.ann_file, odd[0].title, what, odd)


def _several(file: str, example: str, what: str, all_of_them: list) -> str:
    more = f' ({len(all_of_them)} like it)' if len(all_of_them) > 1 else ''
    return f'{file}: {example} {what}{more}: download or prepare the file again.'


def _fits(box: list[float] | None, size: tuple[int, int] | None) -> bool:
    """The box has an area, half of it or more in the picture."""
    if box is None:
        return True
    if len(box) != 4 or not np.isfinite(box).all() or min(box[2:]) <= 0:
        return False
    if size is None:
        return True
    inside = [
        max(0.0, min(start + length, end) - max(start, 0.0))
        for start, length, end in zip(box[:2], box[2:], size, strict=True)
    ]
    return inside[0] * inside[1] >= box[2] * box[3] / 2


def _count_used(dataset: BaseDataset, report: Report) -> None:
    dataset.bbox_file = None  # of the true boxes
    try:
        with redirect_stdout(io.StringIO()):  # xtcocotools talks
            load_annotations(dataset.metainfo['dataset_name'], dataset)
        report.counts['used'] = len(dataset)
    except UserError as error:
        report.problems.append(str(error))


def _other_counts(dataset: BaseDataset, counts: dict[str, int]) -> Iterator[str]:
    for what, published in PUBLISHED.get(osp.basename(dataset.ann_file), {}).items():
        if counts.get(what, published) != published:
            yield (
                f'{dataset.ann_file} has {counts[what]:,} {what} where {published:,} are '
                'published: download or prepare it again (or, if it is meant to differ, check '
                'with --any-count).'
            )


def _picture_problems(
    dataset: BaseDataset, named: dict[int | str, Picture], num_open: int | None, track: Callable
) -> Iterator[str]:
    """Pictures that are not there, that cannot be opened, that have another size."""
    number = len(named) if num_open is None else min(num_open, len(named))
    sample = set(np.linspace(0, len(named) - 1, number).astype(int).tolist())
    found: dict[str, list[str]] = {}
    for row, picture in enumerate(track(named.values())):
        path = osp.join(dataset.data_prefix.get('img', ''), picture.file_name)
        what = _flaw(path, picture.size if row in sample else None, row in sample)
        if what:
            found.setdefault(what, []).append(path)
    for what, paths in found.items():
        more = f' ({len(paths)} like it)' if len(paths) > 1 else ''
        yield f'The picture {paths[0]} {what}{more}: download or unpack it again.'


def _flaw(path: str, size: tuple[int, int] | None, opening: bool) -> str | None:
    if not osp.isfile(path):
        return 'is missing'
    if not opening:
        return None
    try:
        with Image.open(path) as image:
            image.load()
            given = image.size
    except (OSError, SyntaxError, ValueError):
        return 'cannot be opened'
    return 'has another size than its annotations say' if size not in (None, given) else None
