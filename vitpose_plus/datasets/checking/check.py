"""Checks a dataset on disk: its files, annotations and pictures."""

import gc
import io
import json
import os.path as osp
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field

from mmengine.dataset import BaseDataset

from vitpose_plus.datasets.checking.annotation_file import AnnotationFile
from vitpose_plus.datasets.checking.companions import check_companions
from vitpose_plus.datasets.checking.findings import OTHER_LABELS, Findings
from vitpose_plus.datasets.checking.needs import Needs
from vitpose_plus.datasets.checking.opening import kind_of_file
from vitpose_plus.datasets.checking.pictures import check_pictures
from vitpose_plus.datasets.checking.published import PUBLISHED
from vitpose_plus.datasets.multi_dataset import load_annotations
from vitpose_plus.errors import UserError, reason

FILES = ('ann_file', 'bbox_file', 'headbox_file', 'camera_param_file', 'joint_file')


@dataclass
class Report:
    """The result of checking an annotation file and its pictures.

    Args:
        counts: The number of ``images``, ``annotations`` and ``used`` annotations, if known.
        findings: What is wrong, and notes on what is harmless.
    """

    counts: dict[str, int] = field(default_factory=dict)
    findings: Findings = field(default_factory=Findings)


def check(
    dataset: BaseDataset, needs: Needs, num_open: int | None, any_count: bool, track: Callable
) -> Report:
    """Checks everything that training or testing with a dataset would read.

    Args:
        dataset: The dataset, without annotations and pipeline.
        needs: The fields that its loader and metrics read.
        num_open: The number of pictures to open; None for all.
        any_count: Whether to skip the comparison with the published counts.
        track: Wraps the rows of the pictures that are opened, to show the progress.
    """
    report = Report()
    found, folder = report.findings, dataset.data_prefix.get('img')
    for name, path in missing_files(dataset):
        found.add(f'{path} ({name})', 'is missing', hint='put it there')
    if folder and not osp.isdir(folder):
        hint = 'unpack the pictures there'
        found.add(f'The folder of pictures {folder}', 'is missing', hint=hint)
    if not osp.isfile(dataset.ann_file):
        return report
    file = check_annotations(dataset, needs, report)
    if not found.problems:
        _count_used(dataset, report)
    if not any_count:
        _compare_counts(dataset, report)
    if osp.isdir(folder or '.'):
        pictures = list(file.pictures.values()) if file else []
        check_pictures(folder or '', pictures, num_open, track, found)
    return report


def missing_files(dataset: BaseDataset) -> Iterator[tuple[str, str]]:
    """Field and path of every file that the dataset names and that does not exist."""
    for name in FILES:
        path = getattr(dataset, name, None)
        if path and not osp.isfile(path):
            yield name, path


def check_annotations(dataset: BaseDataset, needs: Needs, report: Report) -> AnnotationFile | None:
    """Checks the annotation file and the files beside it; returns None if it cannot be read.

    The result is also None if the dataset class reads a format of its own, which is not checked.
    """
    kind = kind_of_file(dataset)
    if kind is None:
        return None
    with _without_garbage_collection():
        try:
            with open(dataset.ann_file, encoding='utf-8') as opened:
                content = json.load(opened)
        except OSError as error:
            what, hint = f'cannot be read ({error.strerror})', 'make it readable'
            report.findings.add(dataset.ann_file, what, hint=hint)
            return None
        except (ValueError, RecursionError) as error:
            what = f'cannot be read as JSON ({reason(error)})'
            report.findings.add(dataset.ann_file, what, hint=OTHER_LABELS)
            return None
        file = kind(dataset, needs, report.findings)
        file.check(content)
        report.counts.update(images=len(file.pictures), annotations=file.num_annotations)
        if file.pictures:
            check_companions(dataset, content, file, report.findings)
    return file


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Turns off garbage collection, which takes half of the time of reading a large file."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _count_used(dataset: BaseDataset, report: Report) -> None:
    dataset.bbox_file = None  # then the true boxes are counted
    try:
        with redirect_stdout(io.StringIO()):  # xtcocotools prints
            load_annotations(dataset.metainfo['dataset_name'], dataset)
        report.counts['used'] = len(dataset)
    except UserError as error:
        report.findings.add_sentence(str(error))


def _compare_counts(dataset: BaseDataset, report: Report) -> None:
    for what, published in PUBLISHED.get(osp.basename(dataset.ann_file), {}).items():
        given = report.counts.get(what, published)
        if given != published:
            report.findings.add(
                dataset.ann_file,
                f'has {given:,} {what}, but {published:,} are published',
                hint='download or prepare it again (or check with --any-count, if the difference '
                'is intended)',
            )
