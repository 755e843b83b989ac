"""Shows the progress of a prediction: a bar on a terminal, else a line every 100 pictures."""

import sys
import time

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

EVERY = 100  # pictures per line


class PredictionProgress:
    """Shows pictures per second, instances per second, and the remaining time.

    Args:
        total: The number of pictures; None if it is not known.
    """

    def __init__(self, total: int | None) -> None:
        self.console = Console(stderr=True, highlight=False, markup=False)
        self.total = total
        self.pictures = self.instances = 0
        self.bar = Progress(
            BarColumn(),
            TextColumn('{task.description}'),
            TimeRemainingColumn(),
            console=self.console,
            disable=not self.console.is_terminal,
        )

    def __enter__(self) -> 'PredictionProgress':
        self.began = time.monotonic()
        self.bar.start()
        self.task = self.bar.add_task(self.sentence, total=self.total)
        return self

    def __exit__(self, *error) -> None:
        self.bar.stop()

    @property
    def sentence(self) -> str:
        """The numbers of finished pictures and instances, and the speed."""
        seconds = max(time.monotonic() - self.began, 1e-9)
        of = f' of {self.total}' if self.total else ''
        return (
            f'{self.pictures}{of} pictures ({self.pictures / seconds:.2f}/s), '
            f'{self.instances} instances ({self.instances / seconds:.2f}/s)'
        )

    def add(self, instances: int = 0) -> None:
        """Counts one more picture, with its number of instances."""
        self.pictures += 1
        self.instances += instances
        self.bar.update(self.task, advance=1, description=self.sentence)
        if not self.console.is_terminal and self.pictures % EVERY == 0:
            print(self.sentence, file=sys.stderr, flush=True)

    def show(self, sentence: str) -> None:
        self.console.print(sentence, soft_wrap=True)
