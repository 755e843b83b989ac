"""Builds mmengine's runner from a config and the settings that override it."""

import os.path as osp
import traceback
from collections.abc import Sequence

from mmengine.config import Config
from mmengine.runner import Runner
from mmpose.registry import RUNNERS

from vitpose_plus.engine import launchers, overriding, preflight
from vitpose_plus.engine.compiling import check_compiling
from vitpose_plus.engine.training_hints import TrainingHintsHook
from vitpose_plus.errors import RunError, UserError, reason
from vitpose_plus.experiments import catalogue


def load_config(
    name: str,
    work_dir: str | None = None,
    options: Sequence[str] = (),
    launcher: str = 'none',
) -> Config:
    """Loads a config by its path, or by the name of an included config.

    Args:
        name: Path, name of an included config, or a folder with a ``config.py``.
        work_dir: The folder for logs and checkpoints. By default that of the config, else a folder
            in ``work_dirs/`` with the name of the config or of its folder.
        options: Settings to override, each as ``KEY=VALUE``.
        launcher: The launcher that started the processes.
    """
    cfg = catalogue.load_config(name)
    overriding.override(cfg, options)
    catalogue.check_model(cfg)
    cfg.launcher = launcher
    if work_dir or not cfg.get('work_dir'):
        cfg.work_dir = work_dir or osp.join('work_dirs', catalogue.run_name(name))
    return cfg


def build_runner(cfg: Config, splits: tuple[str, ...]) -> Runner:
    """Builds mmengine's runner, after every check that does not need it.

    Raises:
        UserError: Something is wrong with the config, or with a file that it names.
    """
    launchers.check(cfg.get('launcher', 'none'))
    preflight.check_work_dir(cfg)
    notes = preflight.check(cfg, splits)
    if 'train' in splits:
        preflight.check_precision(cfg)
        check_compiling(cfg)
    runner = _built(cfg, splits)
    if 'train' in splits:
        runner.register_hook(TrainingHintsHook())
    for note in notes:
        runner.logger.warning(note)
    return runner


def _built(cfg: Config, splits: tuple[str, ...]) -> Runner:
    """Builds the runner and its loops, which contain loaders and metrics."""
    try:
        runner = RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)
        for split in splits:
            getattr(runner, f'{split}_loop')  # this builds the loop
    except (UserError, RunError):
        raise
    except Exception as error:  # a constructor can raise any error for a wrong value
        frame = traceback.extract_tb(error.__traceback__)[-1]
        raise UserError(
            f'{cfg.filename or "The config"} cannot be run ({reason(error)}, in {frame.filename}, '
            f'line {frame.lineno}): correct the values that it gives there.'
        ) from error
    return runner
