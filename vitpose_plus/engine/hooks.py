"""A hook that shows the progress of a training."""

from mmengine.hooks import Hook
from mmengine.runner import Runner
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


class ProgressHook(Hook):
    """A progress bar with the loss, instead of a log line every few iterations.

    Args:
        console: Shows the bar. If it is not a terminal, it also gets a line every 100 iterations.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self.bar = Progress(
            TextColumn('loss {task.fields[loss]}'),
            BarColumn(),
            TextColumn('{task.completed}/{task.total} iterations'),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
        )

    def __enter__(self) -> None:
        self.bar.start()

    def __exit__(self, *error) -> None:
        self.bar.stop()

    def before_train(self, runner: Runner) -> None:
        self.task = self.bar.add_task('', total=runner.max_iters, loss='-')

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch=None, outputs: dict | None = None
    ) -> None:
        self.bar.update(self.task, advance=1, loss=f'{outputs["loss"].item():.2e}')
        if not self.console.is_terminal and runner.iter % 100 == 99:
            self.console.print(f'{runner.iter + 1}/{runner.max_iters} iterations')
