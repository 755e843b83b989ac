"""When a training ended, how long it took, and its curves."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isfinite
from pathlib import Path

from vitpose_plus.checkpoints.work_dirs import number_of
from vitpose_plus.engine.scalars import FILES, Curve, read_curves

ENDED = 'The training has ended; the report follows.'  # the line of the log before the report
STAMP = re.compile(r'^(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) - ', re.M)  # the begin of a line of the log
STAMP_FORMAT = '%Y/%m/%d %H:%M:%S'
OF_ITERATIONS = ('loss', 'learning rate')  # all other curves are metrics of validations
FIRST = re.compile(r'"iter": (\d+)')  # tests and validations write lines without it


@dataclass(frozen=True)
class History:
    """The course of a training.

    Attributes:
        ended: The time of the last line of the training in the log; None if there is no log.
        minutes: The sum of the times between the first and the last line of the logs of all runs
            since the training began, so without the time in which a resumed training was stopped.
            Iterations that a killed run lost count, too. Loading the packages before the first line
            and making the report do not count. None if there is no log.
        curves: The curves of ``read_curves``.
    """

    ended: datetime | None
    minutes: float | None
    curves: dict[str, Curve]

    def metrics_at(self, checkpoint: Path) -> dict[str, float]:
        """Returns the metrics of the validation after which a checkpoint was saved.

        For a checkpoint without a validation, these are the metrics of the last validation.
        Metrics that are not finite are left out.
        """
        place = number_of(checkpoint) if re.search(r'\d', checkpoint.stem) else None
        curves = {k: curve.values for k, curve in self.curves.items() if k not in OF_ITERATIONS}
        found = {k: each.get(place, each[max(each)]) for k, each in curves.items() if each}
        return {name: value for name, value in found.items() if isfinite(value)}

    @property
    def last_iteration(self) -> int:
        """The number of the last iteration that was logged."""
        return max(self.curves['loss'].values, default=0) if 'loss' in self.curves else 0


def read_history(work_dir: Path) -> History:
    """Reads the numbers and logs of all runs of a training folder.

    Raises:
        UserError: The folder contains no numbers of a training, or a file is damaged.
    """
    curves = read_curves(work_dir)
    spans = list(_spans(work_dir))
    took = sum((last - first for first, last in spans), timedelta())
    return History(
        ended=max((last for _, last in spans), default=None),
        minutes=took.total_seconds() / 60 if spans else None,
        curves=curves,
    )


def _spans(work_dir: Path) -> Iterator[tuple[datetime, datetime]]:
    """Yields the first and the last time in the log of each run of the last training."""
    runs = [(path, path.read_text(errors='replace')) for path in sorted(work_dir.glob(FILES))]
    runs = [(path, FIRST.search(text)) for path, text in runs]
    runs = [(path, int(first[1])) for path, first in runs if first]
    # A run that begins earlier than the run before is a new training, or one that was killed early.
    begun = [n for n, (_, first) in enumerate(runs) if first <= min(one for _, one in runs)]
    for scalars, _ in runs[begun[-1] if begun else 0 :]:
        logs = [path.read_text(errors='replace') for path in scalars.parents[1].glob('*.log')]
        logs = [log.partition(ENDED)[0] for log in logs]
        times = [
            datetime.strptime(text, STAMP_FORMAT) for log in logs for text in STAMP.findall(log)
        ]
        if times:
            yield min(times), max(times)
