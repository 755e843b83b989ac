"""The arguments and the config of a run, for ``train``, ``test`` and ``cache-heatmaps``."""

import argparse
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mmengine.config import Config


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'config', help='a config file, the name of an included config, or a folder of new-dataset'
    )
    parser.add_argument('--work-dir', help='folder for logs and checkpoints [work_dirs/CONFIG]')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        type=setting,
        action='extend',
        default=[],
        metavar='KEY=VALUE',
        help='settings to override in the config',
    )
    add_launcher(parser)
    # torch.distributed.launch, which mim uses, passes one of these two spellings.
    parser.add_argument('--local_rank', '--local-rank', type=rank, help=argparse.SUPPRESS)


def add_launcher(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='what starts several processes: torchrun (pytorch), srun or mpirun [none]',
    )


def rank(text: str) -> int:
    """The number of a process, from 0."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f'{text!r} is not an integer of 0 or more')
    return int(text)


def setting(text: str) -> str:
    """Returns a setting unchanged, if it has the form KEY=VALUE."""
    if '=' not in text:
        raise argparse.ArgumentTypeError(f'{text!r} is not KEY=VALUE')
    return text


def load_config(args: argparse.Namespace) -> 'Config':
    """Reads the config, with the overrides of the command line."""
    from vitpose_plus.engine import runs

    if args.local_rank is not None:
        os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return runs.load_config(args.config, args.work_dir, args.cfg_options, args.launcher)
