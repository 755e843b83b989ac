"""What ``train`` and ``test`` share: arguments, the config, the runner."""

import argparse
import os
import os.path as osp
from pathlib import Path

from mmengine.config import Config, DictAction
from mmengine.runner import Runner
from mmpose.registry import RUNNERS

from vitpose_plus.engine import preflight
from vitpose_plus.experiments.catalogue import find_config


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('config', help='a config file, or the name of one that is shipped')
    parser.add_argument('--work-dir', help='where logs and checkpoints go [work_dirs/CONFIG]')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        default={},
        metavar='KEY=VALUE',
        help='settings to override in the config',
    )
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    # torch.distributed.launch, which mim uses, passes it in either spelling.
    parser.add_argument('--local_rank', '--local-rank', type=int, help=argparse.SUPPRESS)


def load_config(args: argparse.Namespace) -> Config:
    """The config with what the command line overrides."""
    path = find_config(args.config)
    cfg = Config.fromfile(path)
    cfg.merge_from_dict(args.cfg_options)
    cfg.launcher = args.launcher
    if args.local_rank is not None:
        os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    if args.work_dir or not cfg.get('work_dir'):
        cfg.work_dir = args.work_dir or osp.join('work_dirs', Path(path).stem)
    return cfg


def build_runner(cfg: Config, splits: tuple[str, ...]) -> Runner:
    """mmengine's runner, after every check that can be made without it."""
    preflight.check(cfg, splits)
    return RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)
