"""Notes signals that would end a training, so that the training can save first."""

import mmap
import os
import signal
import threading
from collections.abc import Callable
from functools import partial
from types import FrameType

from torch.utils.data import DataLoader

# Ctrl-C; slurm's signal before its time limit; slurm's --signal=USR1 (not on Windows).
NUMBERS = [
    getattr(signal, name) for name in ('SIGINT', 'SIGTERM', 'SIGUSR1') if hasattr(signal, name)
]
EXIT_CODES = {signal.SIGINT: 130}  # all other signals have the exit code of SIGTERM
TERMINATED = 143


def exit_code(number: int) -> int:
    return EXIT_CODES.get(number, TERMINATED)


class Signals:
    """Inside its ``with`` block, ``received`` is the number of the first signal, or 0.

    Ctrl-C after a first signal raises ``KeyboardInterrupt`` at once. A signal to a process group
    also reaches the workers of the data loader. Workers that ``hold_workers`` prepares continue
    until the end of the block, so that the running iteration can finish.
    """

    def __init__(self) -> None:
        self.received = 0
        self.held: mmap.mmap | None = None

    def __enter__(self) -> 'Signals':
        self.received, self.before = 0, {}
        self.held = mmap.mmap(-1, 1)  # shared with workers that are forked
        self.held[0] = 1
        if threading.current_thread() is threading.main_thread():  # only it can set handlers
            self.before = {number: signal.signal(number, self._note) for number in NUMBERS}
        return self

    def __exit__(self, *error) -> None:
        self.held[0] = 0
        for number, handler in self.before.items():
            signal.signal(number, handler or signal.SIG_DFL)  # None: Python did not set it

    def _note(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and self.received:
            raise KeyboardInterrupt
        self.received = self.received or number

    def hold_workers(self, loader: DataLoader) -> None:
        """Lets workers that the loader starts from now on continue after a signal to the group."""
        loader.worker_init_fn = partial(_start_worker, self, loader.worker_init_fn)

    def __getstate__(self) -> dict:
        """A worker that is not forked shares no memory with this process: a signal ends it."""
        return dict(received=0, held=None)

    def _in_worker(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGTERM and not self.held[0]:
            os._exit(0)  # as torch's own handler does: other exit codes are an error for the parent


def _start_worker(signals: Signals, init: Callable[[int], None] | None, number: int) -> None:
    """Runs in a worker, and replaces its handlers of signals, for SIGTERM that of torch."""
    if signals.held:
        for each in NUMBERS:
            signal.signal(each, signals._in_worker)
    if init:
        init(number)
