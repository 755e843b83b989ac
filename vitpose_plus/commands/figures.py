"""Draw the six datasets as figures with exact keypoints, in the datasets' own file formats."""

import argparse
import shutil
from collections.abc import Iterable
from pathlib import Path

from rich.progress import track

from vitpose_plus.datasets.figures import write_figures
from vitpose_plus.errors import UserError

DEFAULT_ROOT = 'work_dirs/demo/figures'  # where the configs of configs/figures/ look for them


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'root',
        nargs='?',
        default=DEFAULT_ROOT,
        help=f'folder to write the datasets into [{DEFAULT_ROOT}]',
    )
    parser.add_argument('--num-train', type=int, default=600, help='images of a dataset [600]')
    parser.add_argument('--num-val', type=int, default=60, help='images of a dataset [60]')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--force', action='store_true', help='replace the folder if it exists')


def run(args: argparse.Namespace) -> None:
    root = Path(args.root)
    if root.exists() and not args.force:
        raise UserError(f'{root} exists: name another folder, or replace it with --force.')
    draw(root, args.num_train, args.num_val, args.seed)
    print(f'The figures lie in {root}.')


def draw(root: Path, num_train: int, num_val: int, seed: int) -> None:
    """Draws into a folder beside ``root`` first, so that ``root`` is whole or not there."""
    part = root.with_name(f'{root.name}.part')
    shutil.rmtree(part, ignore_errors=True)
    write_figures(part, num_train, num_val, seed, progress=progress)
    shutil.rmtree(root, ignore_errors=True)
    part.rename(root)


def progress(iterable: Iterable, total: int, desc: str) -> Iterable:
    return track(iterable, total=total, description=f'{desc:<24}')
