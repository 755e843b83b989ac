"""Check the datasets on disk (files, counts, annotations, pictures), and list all problems."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from vitpose_plus import files
from vitpose_plus.errors import UserError

if TYPE_CHECKING:
    from rich.console import Console

    from vitpose_plus.datasets.checking import Report

GUIDE = 'docs/datasets.md'
COUNTS = ('images', 'annotations', 'used')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'names', nargs='*', metavar='NAME', help='a dataset of configs/datasets/ [all]'
    )
    parser.add_argument(
        '--root', default='data', help='the folder that contains the folders of the datasets [data]'
    )
    parser.add_argument(
        '--images',
        type=number_or_all,
        default=100,
        metavar='N',
        help='how many pictures of every annotation file to open, or all [100]',
    )
    parser.add_argument(
        '--any-count',
        action='store_true',
        help='do not compare with the published counts: for synthetic or incomplete datasets',
    )
    parser.add_argument('--json', metavar='FILE', help='also write the findings to this file')


def number_or_all(text: str) -> int | None:
    if text == 'all':
        return None
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f'{text!r} is neither a number of pictures nor all')
    return int(text)


def run(args: argparse.Namespace) -> None:
    from mmengine.registry import init_default_scope
    from rich.console import Console
    from rich.table import Column, Table

    if args.json:
        files.check_output(args.json, ('.json',))
    init_default_scope('mmpose')
    console = Console(file=sys.stdout, highlight=False, markup=False)
    table = Table('dataset', 'split', *(Column(key, justify='right') for key in COUNTS), 'state')
    rows, sentences = [], []
    for name, split, part, evaluator in parts(args.names, args.root):
        bar = bar_for(console, f'{name} {split}')
        with console.status(f'{name} {split}: reading annotations'):
            report = checked(part, evaluator, args.images, args.any_count, bar)
        counts = [f'{report.counts[key]:,}' if key in report.counts else '-' for key in COUNTS]
        wrong = len(report.findings.problems)
        table.add_row(name, split, *counts, f'{wrong} wrong' if wrong else 'ok')
        where = f'{name} {split}'
        sentences += [f'{where}: note: {note}' for note in report.findings.notes]
        sentences += [f'{where}: {p} See {GUIDE}#{name}.' for p in report.findings.problems]
        rows.append(row(name, split, report))
    console.print(table)
    for sentence in sentences:
        console.print(sentence, soft_wrap=True)
    if args.json:
        write(args.json, dict(root=args.root, datasets=rows))
    if wrong := sum(not each['harmless'] for one in rows for each in one['findings']):
        raise UserError(
            f'The datasets in {args.root} have problems ({wrong} findings): '
            'correct what is listed above.'
        )


def checked(
    part: dict,
    evaluator: dict | list | None,
    num_open: int | None,
    any_count: bool,
    track: Callable,
) -> 'Report':
    from vitpose_plus.datasets.checking import Report, check, needs_of
    from vitpose_plus.datasets.checking.metainfo import metainfo_problems
    from vitpose_plus.datasets.multi_dataset import unread

    report = Report()
    for problem in metainfo_problems(part, evaluator):
        report.findings.add_sentence(problem)
    if report.findings:  # the dataset cannot be built
        return report
    dataset = unread(part)
    return check(dataset, needs_of(dataset, evaluator), num_open, any_count, track)


def row(name: str, split: str, report: 'Report') -> dict:
    """The counts and findings of a split, for ``--json``."""
    findings = [
        dict(
            file=finding.subject,
            kind=finding.what,
            count=finding.count,
            examples=finding.examples,
            hint=finding.hint,
            harmless=not finding.is_wrong,
            sentence=str(finding),
        )
        for finding in report.findings
    ]
    return dict(dataset=name, split=split, **report.counts, findings=findings)


def write(path: str, content: dict) -> None:
    with files.replacing(path) as file:
        file.write_text(json.dumps(content, indent=2) + '\n', encoding='utf-8')


def bar_for(console: 'Console', description: str) -> Callable:
    from rich.progress import track

    def bar(rows):
        return track(list(rows), description=f'{description:<24}', console=console)

    return bar


def parts(names: list[str], root: str) -> Iterator[tuple[str, str, dict, dict | list | None]]:
    """Yields dataset, split, config and metrics of each annotation file of the named datasets.

    Without names, it yields those of all datasets.
    """
    from mmengine.config import Config

    from vitpose_plus.experiments import single_dataset
    from vitpose_plus.experiments.catalogue import CONFIGS

    entries = {path.stem: path for path in sorted((CONFIGS / 'datasets').glob('*.py'))}
    for name in names:
        if name not in entries:
            raise UserError(f'There is no dataset {name}: there are {", ".join(entries)}.')
    crops = Config.fromfile(CONFIGS / '_base_' / 'crops.py').crops
    for name in names or entries:
        entry = Config.fromfile(entries[name])[name]
        _, *loaders, evaluator, _ = single_dataset(name, entry, crops, [], data_root=root)
        for split, loader in zip(('train', 'val', 'test'), loaders, strict=True):
            if split in entry:
                part = {k: v for k, v in loader['dataset'].items() if k != '_delete_'}
                yield name, split, part, evaluator if split != 'train' else None
