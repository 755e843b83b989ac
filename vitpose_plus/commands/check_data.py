"""Check the datasets on disk: files, counts, annotations, pictures; say exactly what is missing."""

import argparse
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from vitpose_plus.errors import UserError

if TYPE_CHECKING:
    from rich.console import Console

GUIDE = 'docs/datasets.md'
COUNTS = ('images', 'annotations', 'used')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('names', nargs='*', metavar='NAME', help='of configs/datasets/ [all]')
    parser.add_argument('--root', default='data', help="holds the datasets' folders [data]")
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
        help='do not compare with the published counts: for a part of a dataset, or figures',
    )


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

    from vitpose_plus.datasets import checks
    from vitpose_plus.datasets.multi_dataset import unread

    init_default_scope('mmpose')
    console = Console(file=sys.stdout, highlight=False, markup=False)
    table = Table('dataset', 'split', *(Column(key, justify='right') for key in COUNTS), 'state')
    problems = []
    for name, split, part in parts(args.names, args.root):
        bar = bar_for(console, f'{name} {split}')
        report = checks.check(unread(part), args.images, args.any_count, bar)
        counts = [f'{report.counts[key]:,}' if key in report.counts else '-' for key in COUNTS]
        found = [f'{name} {split}: {p} See {GUIDE}#{name}.' for p in report.problems]
        table.add_row(name, split, *counts, f'{len(found)} wrong' if found else 'ok')
        problems += found
    console.print(table)
    for problem in problems:
        console.print(problem, soft_wrap=True)
    if problems:
        raise UserError(
            f'The datasets in {args.root} are not as they should be ({len(problems)} findings): '
            'mend what is listed above.'
        )


def bar_for(console: 'Console', description: str) -> Callable:
    from rich.progress import track

    def bar(pictures):
        return track(list(pictures), description=f'{description:<24}', console=console)

    return bar


def parts(names: list[str], root: str) -> Iterator[tuple[str, str, dict]]:
    """Dataset, split and config of every annotation file of the entries of ``names``, or of all."""
    from mmengine.config import Config

    from vitpose_plus.experiments import single_dataset
    from vitpose_plus.experiments.catalogue import CONFIGS

    files = {path.stem: path for path in sorted((CONFIGS / 'datasets').glob('*.py'))}
    for name in names:
        if name not in files:
            raise UserError(f'There is no dataset {name}: there are {", ".join(files)}.')
    crops = Config.fromfile(CONFIGS / '_base_' / 'crops.py').crops
    for name in names or files:
        entry = Config.fromfile(files[name])[name]
        _, *loaders, _, _ = single_dataset(name, entry, crops, [], data_root=root)
        for split, loader in zip(('train', 'val', 'test'), loaders, strict=True):
            if split in entry:
                yield name, split, {k: v for k, v in loader['dataset'].items() if k != '_delete_'}
