"""Write synthetic versions of the six datasets, with exact keypoints, in their file formats."""

import argparse
from collections.abc import Iterable
from pathlib import Path

DEFAULT_ROOT = 'work_dirs/demo/figures'  # read by the configs of configs/figures/


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'root',
        nargs='?',
        default=DEFAULT_ROOT,
        help=f'the folder to write the datasets into [{DEFAULT_ROOT}]',
    )
    parser.add_argument(
        '--num-train', type=int, default=600, help='training pictures of each dataset [600]'
    )
    parser.add_argument(
        '--num-val', type=int, default=60, help='validation pictures of each dataset [60]'
    )
    parser.add_argument('--seed', type=int, default=0, help='random seed of the figures [0]')
    parser.add_argument(
        '--films', type=int, default=0, help='films with true values in every frame; needs av [0]'
    )
    parser.add_argument(
        '--seconds', type=float, default=10.0, help='length of each film, about, in seconds [10]'
    )
    parser.add_argument(
        '--force',
        action='store_true',
        help='replace a folder that contains synthetic datasets and nothing else',
    )


def run(args: argparse.Namespace) -> None:
    generate(
        args.root,
        args.num_train,
        args.num_val,
        args.seed,
        args.force,
        films=args.films,
        seconds=args.seconds,
    )
    print(f'Written: {args.root}.')


def generate(
    root: str | Path,
    num_train: int,
    num_val: int,
    seed: int,
    force: bool = False,
    films: int = 0,
    seconds: float = 10.0,
) -> None:
    """Writes synthetic datasets and films, and shows a progress bar."""
    import torch

    from vitpose_plus.datasets.figures import write_figures

    processes = torch.get_num_threads()  # by default one for each core
    write_figures(root, num_train, num_val, seed, progress, force, films, seconds, processes)


def progress(iterable: Iterable, total: int, desc: str) -> Iterable:
    from rich.progress import track

    return track(iterable, total=total, description=f'{desc:<24}')
