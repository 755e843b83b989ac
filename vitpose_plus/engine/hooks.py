"""A hook that shows the progress of a training in a bar."""

import logging
import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from math import inf
from typing import TextIO

from mmengine.dist import is_main_process
from mmengine.hooks import Hook, LoggerHook
from mmengine.runner import Runner
from rich.console import Console, RenderableType
from rich.file_proxy import FileProxy
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from vitpose_plus.evaluation import main_metrics

EVERY = 0.1  # seconds between two drawings of the bar
LOSS = 'train/loss'
# The functions that log lines about iterations. The bar replaces these lines on a terminal.
OF_ITERATIONS = {
    (function.__code__.co_filename, function.__name__)
    for function in (LoggerHook.after_train_iter, LoggerHook.after_val_iter)
}


@contextmanager
def shown_progress(runner: Runner) -> Iterator[None]:
    """Shows a bar during a training, if standard error is a terminal and in the first process."""
    console = Console(stderr=True, highlight=False)
    if not (is_main_process() and sys.stderr.isatty() and console.is_interactive):
        yield
        return
    hook = ProgressHook(console)
    runner.register_hook(hook)
    with hook:
        yield


class ProgressHook(Hook):
    """A progress bar with the loss, the time left and the last metrics of the validation.

    The loss is the mean of the last iterations, as in the log. The time left follows from the mean
    time of an iteration, which includes validations. Inside the ``with`` block of the hook, all
    lines that are printed or logged on the terminal appear above the bar. There, the bar replaces
    the log lines about iterations. The file of the log has all lines.

    Args:
        console: Shows the bar. If it is not a terminal, it gets a line every 100 iterations.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self.bar = _Bar(
            TextColumn('loss {task.fields[loss]}'),
            BarColumn(bar_width=20),
            TextColumn('{task.completed}/{task.total} iterations'),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn('left'),
            console=console,
            # A thread that draws could hold a lock while the workers of the loaders are forked.
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
            speed_estimate_period=inf,
        )
        self.replaced: TextIO | None = None  # the terminal, while lines are printed above the bar
        self.due = 0.0  # time of the next drawing, in seconds
        self.validated = ''  # the last metrics

    def __enter__(self) -> None:
        self.stack = ExitStack()
        if self.console.is_terminal and sys.stderr.isatty():
            self.stack.enter_context(redirect_stderr(_AboveBar(self.console, sys.stderr)))
        if self.console.is_terminal and sys.stdout.isatty():
            self.replaced = sys.stdout
            self.stack.enter_context(redirect_stdout(_AboveBar(self.console, sys.stdout)))

    def __exit__(self, *error) -> None:
        self.bar.stop()
        self.stack.close()

    def before_train(self, runner: Runner) -> None:
        self._log_above(runner.logger)
        self.task = self.bar.add_task(
            '', total=runner.max_iters, completed=runner.iter, loss=_loss(runner)
        )
        self.bar.start()

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch=None, outputs: dict | None = None
    ) -> None:
        self.bar.update(self.task, completed=runner.iter + 1)
        if self._is_due() or runner.iter + 1 == runner.max_iters:
            self.bar.update(self.task, loss=_loss(runner))
            self.bar.refresh()
        if not self.console.is_terminal and runner.iter % 100 == 99:
            self.console.print(f'{runner.iter + 1}/{runner.max_iters} iterations')

    def after_val_iter(
        self, runner: Runner, batch_idx: int, data_batch=None, outputs: Iterable | None = None
    ) -> None:
        if self._is_due():
            batches = f'{batch_idx + 1}/{len(runner.val_dataloader)} batches'
            self.bar.show(f'validating: {batches}; {self.validated}'.rstrip('; '))

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        values = main_metrics(metrics or {})
        shown = ', '.join(f'{name} {value:.3g}' for name, value in values.items())
        self.validated = f'after iteration {runner.iter}: {shown or "no metric"}'
        self.bar.show(self.validated)

    def _is_due(self) -> bool:
        now = time.monotonic()
        if is_due := now >= self.due:
            self.due = now + EVERY
        return is_due

    def _log_above(self, logger: logging.Logger) -> None:
        """Lets the log print on the terminal above the bar, without the lines about iterations."""
        for handler in logger.handlers:
            if self.replaced and getattr(handler, 'stream', None) is self.replaced:
                handler.setStream(sys.stdout)
                handler.addFilter(_is_not_of_iterations)
                self.stack.callback(handler.setStream, self.replaced)
                self.stack.callback(handler.removeFilter, _is_not_of_iterations)


class _Bar(Progress):
    """The bar, and a line below with the state of the validation."""

    line = ''

    def show(self, line: str) -> None:
        self.line = line
        self.refresh()

    def get_renderables(self) -> Iterable[RenderableType]:
        yield self.make_tasks_table(self.tasks)
        if self.line:
            yield Text(self.line, no_wrap=True, overflow='ellipsis')


class _AboveBar(FileProxy):
    """Prints lines above the bar. A forked process, which has no bar, writes to the file itself."""

    def __init__(self, console: Console, file: TextIO) -> None:
        super().__init__(console, file)
        self.process = os.getpid()

    def write(self, text: str) -> int:
        forked = os.getpid() != self.process
        return self.rich_proxied_file.write(text) if forked else super().write(text)

    def flush(self) -> None:
        forked = os.getpid() != self.process
        return self.rich_proxied_file.flush() if forked else super().flush()


def _loss(runner: Runner) -> str:
    """The mean loss of the last iterations, over the window of the log."""
    losses = runner.message_hub.log_scalars.get(LOSS)
    if losses is None or not len(losses.data[0]):
        return '-'
    return f'{losses.mean(runner.log_processor.window_size):.2e}'


def _is_not_of_iterations(record: logging.LogRecord) -> bool:
    return (record.pathname, record.funcName) not in OF_ITERATIONS
