"""What ``train``, ``test`` and ``cache-heatmaps`` share: the arguments of a run, and its config."""

import argparse
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mmengine.config import Config


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('config', help='a config file, or the name of one that is shipped')
    parser.add_argument('--work-dir', help='where logs and checkpoints go [work_dirs/CONFIG]')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        type=setting,
        action='extend',
        default=[],
        metavar='KEY=VALUE',
        help='settings to override in the config',
    )
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    # torch.distributed.launch, which mim uses, passes it in either spelling.
    parser.add_argument('--local_rank', '--local-rank', type=rank, help=argparse.SUPPRESS)


def rank(text: str) -> int:
    """The number of a process, from 0."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f'{text!r} is no number from 0 on')
    return int(text)


def setting(text: str) -> str:
    """A setting as it is given, KEY=VALUE."""
    if '=' not in text:
        raise argparse.ArgumentTypeError(f'{text!r} is not KEY=VALUE')
    return text


def load_config(args: argparse.Namespace) -> 'Config':
    """The config with what the command line overrides."""
    from vitpose_plus.engine import runs

    if args.local_rank is not None:
        os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return runs.load_config(args.config, args.work_dir, args.cfg_options, args.launcher)
