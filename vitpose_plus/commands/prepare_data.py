"""Convert the official annotation files of a dataset to the files that its class reads."""

import argparse
from collections.abc import Iterable
from pathlib import Path

from vitpose_plus import files
from vitpose_plus.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('dataset', help='aic or apt36k')
    parser.add_argument(
        'input', metavar='IN', help='the official file, or a folder that contains it'
    )
    parser.add_argument(
        'root',
        metavar='OUT',
        help='the folder of the dataset, for example data/aic, which contains the pictures',
    )
    parser.add_argument('--force', action='store_true', help='replace existing files')


def run(args: argparse.Namespace) -> None:
    from vitpose_plus.datasets.preparation import PREPARATIONS, write

    if args.dataset not in PREPARATIONS:
        raise UserError(
            f'There is nothing to prepare for {args.dataset}, only for {", ".join(PREPARATIONS)}: '
            'see docs/datasets.md for the files of other datasets.'
        )
    if reason := files.unwritable(args.root):
        raise UserError(f'{args.root} cannot be written, as {reason}: choose another place.')
    prepare = PREPARATIONS[args.dataset]
    contents = prepare(Path(args.input), Path(args.root), args.force, progress)
    write(contents)
    for path, content in contents.items():
        images, annotations = len(content['images']), len(content['annotations'])
        print(f'Written: {path}, {images} images, {annotations} instances.')


def progress(iterable: Iterable, description: str) -> Iterable:
    from rich.progress import track

    return track(iterable, description=f'{description:<14}')
