"""Runs a plan: chooses the contenders, times their ways, and collects the rows."""

import gc
from collections.abc import Sequence
from dataclasses import dataclass

from vitpose_plus.benchmarking.competitors import COMPETITORS
from vitpose_plus.benchmarking.contenders import Contender
from vitpose_plus.benchmarking.engines import ENGINES
from vitpose_plus.benchmarking.exported import GivenFile
from vitpose_plus.benchmarking.measurements import MEASUREMENTS
from vitpose_plus.benchmarking.meters import METERS
from vitpose_plus.benchmarking.plans import Plan
from vitpose_plus.benchmarking.timing import Measured, alternate
from vitpose_plus.benchmarking.ways import Role, Row, Way
from vitpose_plus.errors import UserError
from vitpose_plus.inference.engines.opening import is_exported

OF_FILES = ('forward', 'predict')  # what can be measured with an exported file


@dataclass
class Choice:
    """The contenders of a run.

    Attributes:
        contenders: The engines, and then the competitors.
        notes: Sentences about what is left out.
    """

    contenders: list[Contender]
    notes: list[str]


def choose(model: str, kinds: Sequence[str], engines: Sequence[str], compete: bool) -> Choice:
    """Chooses the contenders.

    Args:
        model: The model as it is named; an exported file has its own engine and no competitors.
        kinds: Keys of ``MEASUREMENTS``.
        engines: Keys of ``ENGINES``.
        compete: Whether competitors are measured, where they are installed.

    Raises:
        UserError: An engine is not installed, or an exported file cannot do what is measured.
    """
    if is_exported(model):
        if wrong := [what for what in kinds if what not in OF_FILES]:
            raise UserError(
                f'--what {wrong[0]} cannot be measured with the exported file {model}: give --what '
                f'{" ".join(OF_FILES)}, or the config of the model.'
            )
        return Choice([GivenFile()], [])
    for name in engines:
        if missing := ENGINES[name].missing():
            raise UserError(
                f'--engine {name} needs the package {missing[0]}: install it, or leave out {name}.'
            )
    contenders, notes = [ENGINES[name]() for name in engines], []
    competitors = [kind for name in engines for kind in COMPETITORS.get(name, ())]
    for kind in competitors if compete else ():
        if missing := kind.missing():
            notes.append(f'{kind.title} is not measured: {missing[0]} is not installed.')
        else:
            contenders.append(kind())
    return Choice(contenders, notes)


def measure_all(plan: Plan, kinds: Sequence[str], contenders: Sequence[Contender]) -> list[Row]:
    """Measures several words of ``--what``, one after the other.

    Raises:
        UserError: There is nothing to measure with these engines and precisions.
    """
    rows = [row for what in kinds for row in measure(plan, what, contenders)]
    if not rows:
        raise UserError(f'{_nothing(*kinds)}: give other --engine and --precision.')
    return rows


def measure(plan: Plan, what: str, contenders: Sequence[Contender]) -> list[Row]:
    """Measures all ways of one word of ``--what`` in one run; none is a note of the plan."""
    plan.on_message(f'Preparing {what} ...')
    ways = list(MEASUREMENTS[what].ways(plan, contenders))
    if all(way.role is Role.CEILING for way in ways):
        plan.note(f'{_nothing(what)} with these engines and precisions.')
        return []
    plan.on_message(f'Measuring {len(ways)} ways of {what} in {plan.rounds} rounds ...')
    measured = alternate(ways, plan.rounds, METERS[plan.device.type](plan.device))
    rows = rows_of(what, ways, measured)
    del ways
    gc.collect()
    return rows


def _nothing(*kinds: str) -> str:
    return f'--what {" ".join(kinds)} has nothing to measure'


def rows_of(what: str, ways: Sequence[Way], measured: Sequence[Measured]) -> list[Row]:
    """Adds to every way what was measured, and the ceiling of its precision."""
    rows = [_row(what, way, each) for way, each in zip(ways, measured, strict=True)]
    ceilings = {row.precision: row.flops / row.median for row in rows if row.role is Role.CEILING}
    return [
        _row(what, way, each, ceilings.get(way.precision, 0.0))
        for way, each in zip(ways, measured, strict=True)
    ]


def _row(what: str, way: Way, measured: Measured, ceiling: float = 0.0) -> Row:
    own = way.name, way.precision, way.samples, way.flops, way.role, way.group
    return Row(what, *own, measured.seconds, measured.memory, ceiling)
