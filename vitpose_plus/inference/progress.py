"""How far a prediction is: a bar on a terminal, else a line every hundred pictures."""

import sys
import time

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

EVERY = 100  # pictures of a line


class PredictionProgress:
    """Shows pictures a second, people (or animals) a second, and the time that is left.

    Args:
        total: The number of pictures, where it is known.
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
        """What is done, and how fast."""
        seconds = max(time.monotonic() - self.began, 1e-9)
        of = f' of {self.total}' if self.total else ''
        return (
            f'{self.pictures}{of} pictures ({self.pictures / seconds:.2f}/s), '
            f'{self.instances} instances ({self.instances / seconds:.2f}/s)'
        )

    def add(self, instances: int = 0) -> None:
        """One more picture."""
        self.pictures += 1
        self.instances += instances
        self.bar.update(self.task, advance=1, description=self.sentence)
        if not self.console.is_terminal and self.pictures % EVERY == 0:
            print(self.sentence, file=sys.stderr, flush=True)

    def say(self, sentence: str) -> None:
        self.console.print(sentence, soft_wrap=True)
