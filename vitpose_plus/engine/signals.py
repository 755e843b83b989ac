"""Signals that end a training: noted, so that it can save before it ends."""

import mmap
import os
import signal
import threading
from collections.abc import Callable
from functools import partial
from types import FrameType

from torch.utils.data import DataLoader

# Ctrl-C; what slurm sends before its time limit; what its --signal=USR1 sends. Windows has no last.
NUMBERS = [
    getattr(signal, name) for name in ('SIGINT', 'SIGTERM', 'SIGUSR1') if hasattr(signal, name)
]
EXIT_CODES = {signal.SIGINT: 130}  # all others: as if it was SIGTERM
TERMINATED = 143


def exit_code(number: int) -> int:
    return EXIT_CODES.get(number, TERMINATED)


class Signals:
    """While it is entered, ``received`` is the number of the first signal that came, else 0.

    Ctrl-C after that is not held back: it raises ``KeyboardInterrupt`` at once. A signal to a whole
    group reaches the data loader's workers as well: those that ``hold_workers`` prepares go on as
    long as it is entered, so that the running iteration can finish.
    """

    def __init__(self) -> None:
        self.received = 0
        self.held: mmap.mmap | None = None

    def __enter__(self) -> 'Signals':
        self.received, self.before = 0, {}
        self.held = mmap.mmap(-1, 1)  # shared with workers that are forked
        self.held[0] = 1
        if threading.current_thread() is threading.main_thread():  # no other may
            self.before = {number: signal.signal(number, self._note) for number in NUMBERS}
        return self

    def __exit__(self, *error) -> None:
        self.held[0] = 0
        for number, handler in self.before.items():
            signal.signal(number, handler or signal.SIG_DFL)  # None: not one of Python's

    def _note(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and self.received:
            raise KeyboardInterrupt
        self.received = self.received or number

    def hold_workers(self, loader: DataLoader) -> None:
        """Makes workers that the loader starts from now on outlive a signal to their group."""
        loader.worker_init_fn = partial(_start_worker, self, loader.worker_init_fn)

    def __getstate__(self) -> dict:
        """A worker that is not forked knows nothing, and ends by a signal as always."""
        return dict(received=0, held=None)

    def _in_worker(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGTERM and not self.held[0]:
            os._exit(0)  # as torch's own handler does, or the parent takes it for an accident


def _start_worker(signals: Signals, init: Callable[[int], None] | None, number: int) -> None:
    """In a worker, where torch has put a handler for SIGTERM already."""
    if signals.held:
        for each in NUMBERS:
            signal.signal(each, signals._in_worker)
    if init:
        init(number)
