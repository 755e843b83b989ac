"""Keeps the best checkpoint of a training also under a fixed name."""

import os
import shutil
from pathlib import Path

from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.fileio import LocalBackend
from mmengine.hooks import CheckpointHook, Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner

from vitpose_plus.checkpoints.work_dirs import BEST_COPY, number_of
from vitpose_plus.errors import UserError
from vitpose_plus.files import remove_unfinished, replacing

BEST_PATH = 'best_ckpt'  # the first letters of mmengine's keys in the message hub


@HOOKS.register_module()
class BestCopyHook(Hook):
    """Keeps ``best.pth`` in the training folder: the best checkpoint of the validation.

    It is a hard link of the file that the checkpoint hook saved (``save_best``), or a copy if the
    disk has no hard links. If several metrics have a best file, it is the newest one. There is a
    complete file at every moment. Nothing is done for checkpoints that are not on a local disk.
    """

    priority = 'LOWEST'  # after the hook that saves

    def __init__(self) -> None:
        self.copied: Path | None = None

    def before_train(self, runner: Runner) -> None:
        if is_main_process():
            remove_unfinished(runner.work_dir, [BEST_COPY])
        if runner.iter:  # an earlier run may have ended before it updated the file
            self.before_stop(runner)

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        self.before_stop(runner)

    def before_stop(self, runner: Runner) -> None:
        """Updates the file; ``WholeCheckpointHook`` also calls this before a signal ends a run."""
        best = _best_of(runner) if is_main_process() else None
        if best is None or best == self.copied:
            return
        target = Path(runner.work_dir) / BEST_COPY
        try:
            with replacing(target) as new:
                _link_or_copy(best, new)
            self.copied = best
        except (OSError, UserError) as error:  # the file itself is still there
            reason = getattr(error, 'strerror', None) or str(error).rstrip('.')
            runner.logger.warning(
                f'{target} could not be written ({reason}): use {best} in its place.'
            )


def has_best_copy(cfg: Config) -> bool:
    """Whether a training with this config writes ``best.pth``."""
    kinds = [hook.get('type') for hook in cfg.get('custom_hooks') or ()]
    kinds = [HOOKS.get(kind) if isinstance(kind, str) else kind for kind in kinds]
    return any(isinstance(kind, type) and issubclass(kind, BestCopyHook) for kind in kinds)


def _best_of(runner: Runner) -> Path | None:
    """The newest best checkpoint of this training; None if there is none on a local disk."""
    saver = next((hook for hook in runner.hooks if isinstance(hook, CheckpointHook)), None)
    if not isinstance(getattr(saver, 'file_backend', None), LocalBackend):
        return None
    hub = runner.message_hub.runtime_info
    names = [Path(path).name for key, path in hub.items() if key.startswith(BEST_PATH) and path]
    paths = [Path(saver.out_dir) / name for name in names]  # the folder may have been moved
    return max(filter(Path.is_file, paths), key=number_of, default=None)


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
