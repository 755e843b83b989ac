"""From a config and what a caller overrides in it to mmengine's runner."""

import argparse
import os.path as osp
from collections.abc import Sequence
from pathlib import Path

from mmengine.config import Config, DictAction
from mmengine.runner import Runner
from mmpose.registry import RUNNERS

from vitpose_plus.engine import preflight
from vitpose_plus.experiments.catalogue import find_config


def load_config(
    name: str,
    work_dir: str | None = None,
    options: Sequence[str] = (),
    launcher: str = 'none',
) -> Config:
    """A config by its path or shipped name.

    Args:
        name: Path or shipped name.
        work_dir: Where logs and checkpoints go; by default what the config says, else
            ``work_dirs/`` and the config's name.
        options: Settings to override, each as ``KEY=VALUE``.
        launcher: What started the processes.
    """
    path = find_config(name)
    cfg = Config.fromfile(path)
    cfg.merge_from_dict(_parsed(options))
    cfg.launcher = launcher
    if work_dir or not cfg.get('work_dir'):
        cfg.work_dir = work_dir or osp.join('work_dirs', Path(path).stem)
    return cfg


def _parsed(options: Sequence[str]) -> dict:
    """As mmengine's own scripts read them."""
    parser = argparse.ArgumentParser(prog='--cfg-options')
    parser.add_argument('options', nargs='*', action=DictAction, default={})
    return parser.parse_args(options).options if options else {}


def build_runner(cfg: Config, splits: tuple[str, ...]) -> Runner:
    """mmengine's runner, after every check that can be made without it."""
    preflight.check_work_dir(cfg)
    preflight.check(cfg, splits)
    if 'train' in splits:
        preflight.check_precision(cfg)
    return RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)
