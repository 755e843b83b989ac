"""Reads the numbers that mmengine's log writes during a training: losses, rates and metrics."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf
from numbers import Real
from pathlib import Path

from vitpose_plus.errors import UserError
from vitpose_plus.evaluation import main_metrics

FILES = '*/vis_data/scalars.json'  # each run of a training has a folder, named by its start
TIMES = ('time', 'data_time', 'step')


@dataclass
class Curve:
    """The values of one quantity, by their place on the horizontal axis.

    Args:
        unit: What the places count: ``iteration`` or ``epoch``.
        values: Place -> value.
    """

    unit: str = 'iteration'
    values: dict[int, float] = field(default_factory=dict)

    def cut(self, place: float) -> None:
        """Removes the values from a place on."""
        self.values = {at: value for at, value in self.values.items() if at < place}


def read_curves(work_dir: str | Path) -> dict[str, Curve]:
    """Returns the loss, the learning rate and the main metrics of a training.

    A resumed training has several files. Where their iterations overlap, the later file counts.

    Args:
        work_dir: The training folder.

    Raises:
        UserError: The folder contains no numbers, or a file is damaged.
    """
    curves: dict[str, Curve] = {}
    for path in sorted(Path(work_dir).glob(FILES)):
        _add(curves, list(_records(path)))
    if not any(curve.values for curve in curves.values()):
        raise UserError(
            f'{work_dir} contains no {FILES} with numbers of a training: give a folder that train '
            'wrote (--work-dir).'
        )
    return curves


def _records(path: Path) -> Iterator[dict]:
    """Yields the lines. A run that was killed may have left the last one incomplete."""
    lines = path.read_text(errors='replace').splitlines()
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
        except ValueError:
            record = None
        if isinstance(record, dict):
            yield record
        elif number < len(lines):
            raise UserError(f'{path}, line {number} is not a JSON object: remove this line.')


def _add(curves: dict[str, Curve], records: list[dict]) -> None:
    """Adds the records of one run, in place of earlier ones with the same or a later place."""
    training = [record for record in records if 'iter' in record]
    validations = [record for record in records if 'iter' not in record and 'step' in record]
    # mmengine counts the validations of a training by epochs in epochs.
    unit = 'epoch' if any('epoch' in record for record in training) else 'iteration'
    starts = dict(
        iteration=min((record['iter'] for record in training), default=inf),
        epoch=min((record['epoch'] for record in training if 'epoch' in record), default=inf),
    )
    first = min(record['step'] for record in validations) if validations else inf
    for curve in curves.values():
        curve.cut(min(starts[curve.unit], first if curve.unit == unit else inf))
    for record in training:
        rate = record.get('base_lr', record.get('lr'))  # lr: that of the first layers
        numbers = {'loss': record.get('loss'), 'learning rate': rate}
        _note(curves, numbers, record['iter'], 'iteration')
    for record in validations:
        metrics = {key: value for key, value in record.items() if key not in TIMES}
        _note(curves, main_metrics(metrics), record['step'], unit)


def _note(curves: dict[str, Curve], numbers: dict, place: int, unit: str) -> None:
    for name, value in numbers.items():
        if isinstance(value, Real):
            curves.setdefault(name, Curve(unit)).values[place] = float(value)
