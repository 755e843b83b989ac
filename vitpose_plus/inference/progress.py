"""Shows the progress of a prediction: a bar on a terminal, else a line every 100 pictures."""

import sys
import time

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

EVERY = 100  # pictures per line


class PredictionProgress:
    """Shows the pictures of all processes, the speed and the remaining time.

    Args:
        total: The number of pictures; None if it is not known.
        is_shown: Whether this process shows the progress.
    """

    def __init__(self, total: int | None, is_shown: bool = True) -> None:
        self.console = Console(stderr=True, highlight=False, markup=False)
        self.total, self.is_shown = total, is_shown
        self.bar = Progress(
            BarColumn(),
            TextColumn('{task.description}'),
            TimeRemainingColumn(),
            console=self.console,
            disable=not (self.console.is_terminal and is_shown),
        )
        self.task = self.bar.add_task('', total=total)
        self.sentence, self.speed = 'no pictures', ''

    def __enter__(self) -> 'PredictionProgress':
        self.began, self.printed = time.monotonic(), 0
        self.bar.start()
        return self

    def __exit__(self, *error) -> None:
        self.bar.stop()

    def update(self, known: int, pictures: int, instances: int) -> None:
        """Shows new numbers.

        Args:
            known: The number of pictures that earlier runs have predicted.
            pictures: The number of pictures of this run.
            instances: The number of instances in them.
        """
        seconds = max(time.monotonic() - self.began, 1e-9)
        of = f' of {self.total}' if self.total else ''
        self.speed = f'{pictures / seconds:.2f} pictures/s'
        self.sentence = (
            f'{known + pictures}{of} pictures ({pictures / seconds:.2f}/s), '
            f'{instances} instances ({instances / seconds:.2f}/s)'
        )
        self.bar.update(self.task, completed=known + pictures, description=self.sentence)
        is_plain = self.is_shown and not self.console.is_terminal
        if is_plain and pictures >= self.printed + EVERY:
            self.printed = pictures
            print(self.sentence, file=sys.stderr, flush=True)

    def show(self, sentence: str) -> None:
        self.console.print(sentence, soft_wrap=True)
