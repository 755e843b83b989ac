"""Checkpoints that are whole or absent, however a run ends."""

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
# In the message hub, and so in the files: those that CheckpointHook counts, and those between.
KEPT, INTERIM = 'keep_ckpt_ids', 'interim_ckpts'
BEST = 'best_'  # with what the scores and paths of the best ones begin there


class WholeFileBackend(LocalBackend):
    """The local disk, where a file is whole before it has its name."""

    def put(self, obj: bytes, filepath: str | Path) -> None:
        with replacing(filepath) as new:
            super().put(obj, new)


register_backend(WHOLE_FILES, WholeFileBackend, force=True)


@HOOKS.register_module()
class WholeCheckpointHook(CheckpointHook):
    """mmengine's hook, which loses nothing when a run is killed or a disk is full.

    A file is written under another name, flushed to the disk and renamed; only then are the older
    ones removed. Between the regular files there are others, ``iter_N.pth``, of which the newest
    alone is kept: after so many minutes, before a validation, and where a signal ends the run
    (``ExactTrainLoop.signals``). A file is saved only where an optimiser's step is complete and all
    weights are finite.

    Args:
        minutes: The longest time between two files, in minutes.
        others: mmengine's.
    """

    heeds_signals = True  # for ExactTrainLoop

    def __init__(self, *args, minutes: float = 15.0, **others) -> None:
        super().__init__(*args, **others)
        self.minutes = minutes
        self.postponed: int | None = None  # a regular file that waits for a complete step
        self.saved_iter = -1
        self.position = dict(epoch=0, iter=0)
        self.rank_buffers: dict = {}

    def before_train(self, runner: Runner) -> None:
        self.saved_at = time.monotonic()
        if self.file_client_args is None:  # mmengine's older option, which excludes the newer one
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
        """On local disks; object stores write whole files themselves."""
        if '://' not in str(self.out_dir or work_dir):
            given = self.backend_args or {}
            if given.get('backend', 'local') == 'local':
                self.backend_args = dict(given, backend=WHOLE_FILES)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        if runner._resume:
            continuing.take_up(runner, checkpoint)
            self.saved_iter, self.last_ckpt = checkpoint['meta']['iter'], runner._load_from

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        # FlexibleRunner puts numbers of its own there, which are right at the end of epochs only.
        checkpoint['meta'].update(self.position)
        continuing.note(runner, checkpoint, self.rank_buffers)

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
        """What was trained is on the disk before a validation, which may take long or fail."""
        if _signals(runner) and _step_is_complete(runner):
            self._save_interim(runner, dict(epoch=runner.epoch, iter=runner.iter))

    def after_val_iter(
        self, runner: Runner, batch_idx: int, data_batch=None, outputs: list | None = None
    ) -> None:
        # Several processes have different numbers of batches: they agree after the last.
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
        if signals is None:  # another loop could not go on in the middle of an epoch
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
        if most > 0:  # else all are kept, also if a later run keeps but a few
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
        """Saves a file that can be resumed from, then removes the files between before it.

        ``kept`` and ``interim`` are what lies on the disk while the file is written: a run that is
        killed before it has removed the older ones does so when it goes on.
        """
        self._check_finite(runner, name)
        self.last_ckpt = self._path(name)
        hub = runner.message_hub
        hub.update_info_dict({'last_ckpt': self.last_ckpt, KEPT: kept, INTERIM: interim})
        self.position = dict(epoch=meta['epoch'], iter=meta['iter'])
        self.rank_buffers = continuing.gather_buffers(runner.model)
        with _faults_of_the_machine(self.last_ckpt):
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
        """mmengine's, but what it removes first goes last, and so does the last file again.

        That is saved a second time to hold the score: under its own name, whatever that is.
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
            with _faults_of_the_machine(self.out_dir):
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
        """The best files by their metrics; mmengine has two attributes for them."""
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
        """In all processes, of which each may hold but a share of the weights."""
        state = (*runner.model.parameters(), *runner.model.buffers())
        agreed = torch.stack([each.isfinite().all().cpu() for each in state]).all().int()
        all_reduce(agreed, 'min')
        if not agreed:
            start = f'go on from {self.last_ckpt}' if self.last_ckpt else 'start again'
            raise RunError(
                f'The weights are no longer finite numbers, so that {name} is not saved: {start} '
                'with a lower learning rate.'
            )

    def _end(self, runner: Runner, received: int) -> None:
        barrier()  # a launcher may kill the others as soon as one process has ended
        name = signal.Signals(received).name
        runner.logger.info(
            f'Stopped by {name} after iteration {self.saved_iter} of {runner.max_iters}: all is '
            f'saved in {self.last_ckpt}; go on with --resume.'
        )
        raise SystemExit(exit_code(received))

    def _path(self, name: str) -> str:
        return self.file_backend.join_path(self.out_dir, name)

    def _remove(self, names: Iterator[str]) -> None:
        for name in names if is_main_process() else ():
            if self.file_backend.isfile(self._path(name)):
                self.file_backend.remove(self._path(name))


class _LateRemoval:
    """A file backend that only notes what it should remove."""

    def __init__(self, backend: LocalBackend) -> None:
        self.backend, self.removed = backend, []

    def __getattr__(self, name: str):
        return getattr(self.backend, name)

    def remove(self, path: str) -> None:
        self.removed.append(path)


def _signals(runner: Runner):
    """Those of a training that runs. Asking for ``train_loop`` would build one in a test."""
    loop = runner._train_loop
    return loop.signals if isinstance(loop, ExactTrainLoop) else None


def _step_is_complete(runner: Runner) -> bool:
    """Not so between batches whose gradients are accumulated."""
    complete = getattr(runner.optim_wrapper, 'should_update', None)
    return complete is None or complete()


@contextmanager
def _faults_of_the_machine(path: str) -> Iterator[None]:
    """A full disk is one sentence; the files before are still there."""
    try:
        yield
    except (OSError, UserError) as error:
        reason = getattr(error, 'strerror', None) or error
        raise RunError(
            f'{path} could not be saved ({reason}): free some space, or correct the rights, and go '
            'on with --resume.'
        ) from error
