"""Saves checkpoints: each file is complete or missing, even if the run is killed."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from mmengine.dist import all_reduce, barrier, is_distributed, is_main_process
from mmengine.fileio import LocalBackend, register_backend
from mmengine.hooks import CheckpointHook
from mmengine.registry import HOOKS
from mmengine.runner import Runner

from vitpose_plus.checkpoints.work_dirs import POINTER, unfinished_names
from vitpose_plus.engine import continuing
from vitpose_plus.engine.resuming import VALIDATED, ExactTrainLoop
from vitpose_plus.engine.signals import exit_code
from vitpose_plus.errors import RunError, UserError
from vitpose_plus.files import remove_unfinished, replacing

WHOLE_FILES = 'whole_files'
# Keys in the message hub, and so in the files: the regular checkpoints, and the interim ones.
KEPT, INTERIM = 'keep_ckpt_ids', 'interim_ckpts'
BEST = 'best_'  # the first letters of the keys there for the best checkpoints' scores and paths


class WholeFileBackend(LocalBackend):
    """Writes to the local disk. A file gets its name only when it is complete."""

    def put(self, obj: bytes, filepath: str | Path) -> None:
        with replacing(filepath) as new:
            super().put(obj, new)


register_backend(WHOLE_FILES, WholeFileBackend, force=True)


@HOOKS.register_module()
class WholeCheckpointHook(CheckpointHook):
    """mmengine's hook, without loss of files when a run is killed or a disk is full.

    A file is written under another name, flushed to the disk and renamed. Older files are removed
    after that. Between the regular files the hook saves interim files, ``iter_N.pth``: after some
    ``minutes``, before a validation, and when a signal ends the run (``ExactTrainLoop.signals``).
    Only the newest interim file is kept. Files are saved only after a complete step of the
    optimiser, and only with finite weights.

    Args:
        minutes: The longest time between two files, in minutes.
        others: Arguments of mmengine's hook.
    """

    handles_signals = True  # ExactTrainLoop reads this

    def __init__(self, *args, minutes: float = 15.0, **others) -> None:
        super().__init__(*args, **others)
        self.minutes = minutes
        self.postponed: int | None = None  # number of a regular file, saved after a complete step
        self.saved_iter = -1
        self.position = dict(epoch=0, iter=0)
        self.rank_buffers: dict = {}

    def before_train(self, runner: Runner) -> None:
        self.saved_at = time.monotonic()
        if self.file_client_args is None:  # mmengine's older option; it excludes backend_args
            self._write_whole_files(runner.work_dir)
        hub = runner.message_hub
        if not runner.iter:  # two trainings that begin in the same second share their hub
            for key in [k for k in hub.runtime_info if k in (KEPT, INTERIM) or k.startswith(BEST)]:
                hub.pop_info(key)
        super().before_train(runner)
        self._follow_moved_folder()
        if is_main_process() and isinstance(self.file_backend, LocalBackend):
            remove_unfinished(self.out_dir, unfinished_names(self.filename_tmpl))
            remove_unfinished(runner.work_dir, [POINTER])
        own, interim = Path(hub.get_info('last_ckpt', '')).name, hub.get_info(INTERIM, [])
        self._remove(name for name in interim if name != own)
        hub.update_info(INTERIM, [name for name in interim if name == own])

    def _write_whole_files(self, work_dir: str) -> None:
        """Sets the backend for local disks; object stores write complete files themselves."""
        if '://' not in str(self.out_dir or work_dir):
            given = self.backend_args or {}
            if given.get('backend', 'local') == 'local':
                self.backend_args = dict(given, backend=WHOLE_FILES)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        if runner._resume:
            continuing.prepare_resuming(runner, checkpoint)
            self.saved_iter, self.last_ckpt = checkpoint['meta']['iter'], runner._load_from

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        # FlexibleRunner writes its own numbers there, which are right only at the end of epochs.
        checkpoint['meta'].update(self.position)
        continuing.add_position(runner, checkpoint, self.rank_buffers)

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch=None, outputs: dict | None = None
    ) -> None:
        super().after_train_iter(runner, batch_idx, data_batch, outputs)
        received, due = self._agreed(runner)
        if not _step_is_complete(runner):
            return
        here = dict(epoch=runner.epoch, iter=runner.iter + 1)
        if self.postponed is not None:
            step, self.postponed = self.postponed, None
            self._save_checkpoint_with_step(runner, step, here)
        if received or due:
            self._save_interim(runner, here)
        if received:
            self._end(runner, received)

    def before_val(self, runner: Runner) -> None:
        """Saves before a validation, as a validation may take long or fail."""
        if _signals(runner) and _step_is_complete(runner):
            self._save_interim(runner, dict(epoch=runner.epoch, iter=runner.iter))

    def after_val_iter(
        self, runner: Runner, batch_idx: int, data_batch=None, outputs: list | None = None
    ) -> None:
        # Several processes may have different numbers of batches: they agree after the last batch.
        signals = _signals(runner)
        if signals and not is_distributed():
            self._end_if_all_is_saved(runner, signals.received)

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        runner.message_hub.update_info(VALIDATED, runner.epoch)
        super().after_val_epoch(runner, metrics)
        received, _ = self._agreed(runner)
        self._end_if_all_is_saved(runner, received)

    def _end_if_all_is_saved(self, runner: Runner, received: int) -> None:
        if received and self.saved_iter == runner.iter:
            self._end(runner, received)

    def _agreed(self, runner: Runner) -> tuple[int, bool]:
        """The signal that any process has received (or 0), and whether it is time to save."""
        signals = _signals(runner)
        if signals is None:  # another loop cannot resume in the middle of an epoch
            return 0, False
        received, due = signals.received, time.monotonic() - self.saved_at > 60 * self.minutes
        if not is_distributed():
            return received, due
        agreed = torch.tensor([received, due], dtype=torch.int32)
        all_reduce(agreed, 'max')
        received, due = agreed.tolist()
        return received, bool(due)

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict) -> None:
        if not _step_is_complete(runner):
            self.postponed = step
            return
        hub, most = runner.message_hub, self.max_keep_ckpts
        kept = [each for each in hub.get_info(KEPT, []) if each != step]
        if most > 0:  # else all are kept, even if a later run keeps only a few
            kept.append(step)
        self._write(runner, self.filename_tmpl.format(step), meta, kept, hub.get_info(INTERIM, []))
        if most > 0:
            self._remove(self.filename_tmpl.format(each) for each in kept[:-most])
            hub.update_info(KEPT, kept[-most:])

    def _save_interim(self, runner: Runner, meta: dict) -> None:
        if self.saved_iter == meta['iter']:
            return
        name, hub = f'iter_{meta["iter"]}.pth', runner.message_hub
        kept, older = hub.get_info(KEPT, []), hub.get_info(INTERIM, [])
        self._write(runner, name, meta, kept, [*older, name])

    def _write(
        self, runner: Runner, name: str, meta: dict, kept: list[int], interim: list[str]
    ) -> None:
        """Saves a checkpoint to resume from, and then removes older interim files.

        ``kept`` and ``interim`` are the files on the disk while this one is written. If a run is
        killed before it has removed the older ones, it removes them when it is resumed.
        """
        self._check_finite(runner, name)
        self.last_ckpt = self._path(name)
        hub = runner.message_hub
        hub.update_info_dict({'last_ckpt': self.last_ckpt, KEPT: kept, INTERIM: interim})
        self.position = dict(epoch=meta['epoch'], iter=meta['iter'])
        self.rank_buffers = continuing.gather_buffers(runner.model)
        with _naming_unsaved_file(self.last_ckpt):
            runner.save_checkpoint(
                self.out_dir,
                name,
                self.file_client_args,
                save_optimizer=self.save_optimizer,
                save_param_scheduler=self.save_param_scheduler,
                meta=dict(meta),
                by_epoch=False,
                backend_args=self.backend_args,
                **self.args,
            )
            if is_main_process():
                with replacing(Path(runner.work_dir) / POINTER) as pointer:
                    pointer.write_text(self.last_ckpt)
        self.saved_iter, self.saved_at = meta['iter'], time.monotonic()
        self._remove(each for each in interim if each != name)
        hub.update_info(INTERIM, [each for each in interim if each == name])

    def _save_best_checkpoint(self, runner: Runner, metrics: dict) -> None:
        """Saves the best checkpoint as mmengine does, but removes the old one at the end.

        Before that, the last file is saved again under its own name, so that it has the score.
        """
        if not self.save_best:
            return
        for name in self.key_indicators:
            if name not in (*metrics, 'auto'):
                raise UserError(
                    f'default_hooks.checkpoint.save_best is {name}, which the validation does not '
                    f'give: it gives {", ".join(metrics)}.'
                )
        hub, here = runner.message_hub, dict(epoch=runner.epoch, iter=runner.iter)
        self._check_finite(runner, 'the best one')
        before = {key: value for key, value in hub.runtime_info.items() if key.startswith(BEST)}
        self.position = here
        disk, last = self.file_backend, self.last_ckpt
        self.file_backend, self.last_ckpt = _LateRemoval(disk), None
        try:
            with _naming_unsaved_file(self.out_dir):
                super()._save_best_checkpoint(runner, metrics)
            removed = self.file_backend.removed
        finally:
            self.file_backend, self.last_ckpt = disk, last
        if any(hub.get_info(key) != value for key, value in before.items()) or not before:
            self._save_again(runner, here)
        best = self._best_paths().values()
        self._remove(Path(path).name for path in removed if path not in best)

    def _save_again(self, runner: Runner, here: dict) -> None:
        hub, name = runner.message_hub, Path(self.last_ckpt or '').name
        ours = self.last_ckpt and Path(self.last_ckpt).resolve() == Path(self._path(name)).resolve()
        if ours and self.saved_iter == here['iter']:
            self._write(runner, name, here, hub.get_info(KEPT, []), hub.get_info(INTERIM, []))

    def _best_paths(self) -> dict[str, str | None]:
        """Returns the best file of each metric; mmengine has two attributes for them."""
        several = getattr(self, 'best_ckpt_path_dict', None)
        return {'': getattr(self, 'best_ckpt_path', None)} if several is None else several

    def _follow_moved_folder(self) -> None:
        here = {
            key: path and self._path(Path(path).name) for key, path in self._best_paths().items()
        }
        if hasattr(self, 'best_ckpt_path_dict'):
            self.best_ckpt_path_dict = here
        else:
            self.best_ckpt_path = here['']

    def _check_finite(self, runner: Runner, name: str) -> None:
        """Checks the weights in all processes, as each may have only a part of them."""
        state = (*runner.model.parameters(), *runner.model.buffers())
        agreed = torch.stack([each.isfinite().all().cpu() for each in state]).all().int()
        all_reduce(agreed, 'min')
        if not agreed:
            start = f'resume from {self.last_ckpt}' if self.last_ckpt else 'start again'
            raise RunError(
                f'The weights are no longer finite numbers, so {name} is not saved: {start} with a '
                'lower learning rate.'
            )

    def _end(self, runner: Runner, received: int) -> None:
        runner.call_hook('before_stop')  # of hooks that have files of their own
        barrier()  # a launcher may kill the other processes as soon as one has ended
        name = signal.Signals(received).name
        runner.logger.info(
            f'Stopped by {name} after iteration {self.saved_iter} of {runner.max_iters}: all is '
            f'saved in {self.last_ckpt}; continue with --resume.'
        )
        raise SystemExit(exit_code(received))

    def _path(self, name: str) -> str:
        return self.file_backend.join_path(self.out_dir, name)

    def _remove(self, names: Iterator[str]) -> None:
        for name in names if is_main_process() else ():
            if self.file_backend.isfile(self._path(name)):
                self.file_backend.remove(self._path(name))


class _LateRemoval:
    """A file backend that only notes the files to remove."""

    def __init__(self, backend: LocalBackend) -> None:
        self.backend, self.removed = backend, []

    def __getattr__(self, name: str):
        return getattr(self.backend, name)

    def remove(self, path: str) -> None:
        self.removed.append(path)


def _signals(runner: Runner):
    """The signals of a running training. ``runner.train_loop`` would build a loop in a test."""
    loop = runner._train_loop
    return loop.signals if isinstance(loop, ExactTrainLoop) else None


def _step_is_complete(runner: Runner) -> bool:
    """Returns False between batches whose gradients are accumulated."""
    complete = getattr(runner.optim_wrapper, 'should_update', None)
    return complete is None or complete()


@contextmanager
def _naming_unsaved_file(path: str) -> Iterator[None]:
    """Raises a ``RunError``, for example if the disk is full. Earlier files are kept."""
    try:
        yield
    except (OSError, UserError) as error:
        reason = getattr(error, 'strerror', None) or error
        raise RunError(
            f'{path} could not be saved ({reason}): free some space, or correct the permissions, '
            'and continue with --resume.'
        ) from error
