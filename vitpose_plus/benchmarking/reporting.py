"""The results of a benchmark: a table, a JSON file and a chart."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from vitpose_plus.benchmarking.ceilings import CEILING
from vitpose_plus.benchmarking.measurements import MEASUREMENTS
from vitpose_plus.benchmarking.ways import Row
from vitpose_plus.files import replacing

BAR = 0.32  # inches
WIDTH = 140  # characters of the tables in a file
RATIOS = ('time_by_ours', 'time_by_best')  # in JSON files
LOADING, TRAINING = 'load', 'train'


def table_of(what: str, rows: Sequence[Row]) -> Table:
    """The table of one word of ``--what``.

    ``time / ours`` is the time of a row for one sample, divided by that of the first row of this
    package with the same precision; ``time / best`` is divided by that of our fastest row.
    """
    measurement = MEASUREMENTS[what]
    table = Table(title=measurement.title, title_justify='left')
    table.add_column('way', no_wrap=True)
    for name in ('precision', 'ms', measurement.unit, 'time / ours', 'time / best', 'of ceiling'):
        table.add_column(name, justify='right')
    table.add_column('memory', justify='right')
    for row in rows:
        table.add_row(*cells(row, rows))
    return table


def cells(row: Row, rows: Sequence[Row]) -> list[str]:
    """The cells of a row of the table."""
    milliseconds = f'{row.median * 1e3:.4g}'
    memory = f'{row.memory / 2**30:.2f} GiB'
    if row.name == CEILING:
        speed = f'{row.flops / row.median / 1e9:.0f} GFLOP/s'
        return [row.name, row.precision, milliseconds, speed, '', '', '', memory]
    share = f'{row.share:.0%}' if row.share else ''
    ratios = [f'{each:.2f}' if each else '' for each in relative(row, of_group(row, rows))]
    return [row.name, row.precision, milliseconds, f'{row.per_second:.4g}', *ratios, share, memory]


def relative(row: Row, rows: Sequence[Row]) -> tuple[float, float]:
    """The time of a row for one sample, in parts of that of our first row with the same precision,
    and of our fastest row; 0 if there is none."""
    own = [each for each in rows if each.is_own and not each.is_limit]
    same = next((each for each in own if each.precision == row.precision), None)
    best = max(own, key=lambda each: each.per_second, default=None)
    first, second = (each.per_second / row.per_second if each else 0.0 for each in (same, best))
    return first, second


def workers(rows: Sequence[Row]) -> str | None:
    """Says whether the loader or the model limits a training; None if one was not measured."""
    loaders = [row for row in rows if row.what == LOADING]
    models = [row for row in rows if row.what == TRAINING and row.is_own and not row.is_limit]
    if not loaders or not models:
        return None
    loaded = loaders[0].per_second
    best = max(models, key=lambda row: row.per_second)
    limit = 'loader' if best.per_second > loaded else 'model'
    return (
        f'One worker loads {loaded:.4g} samples/s, and the fastest training step ({best.name}, '
        f'{best.precision}) uses {best.per_second:.4g}: with one worker the {limit} is the limit, '
        f'and the device needs {max(1, -int(-best.per_second // loaded))} of them, each on a core '
        'of its own.'
    )


def print_all(facts: dict[str, Any], rows: Sequence[Row], notes: Sequence[str]) -> None:
    """Prints the facts, a table for every word of ``--what``, and the notes."""
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = WIDTH
    for what in dict.fromkeys(row.what for row in rows):
        console.print(table_of(what, [row for row in rows if row.what == what]))
    machine = facts['machine']
    names = machine.get('gpu') or machine['processor']
    console.print(f'{names}, {machine["threads"]} threads, torch {machine["versions"]["torch"]}')
    for note in notes:
        console.print(note)


def write_json(
    path: Path, facts: dict[str, Any], rows: Sequence[Row], notes: Sequence[str]
) -> None:
    """Writes everything, with the seconds of every round."""
    lines = [
        vars(row)
        | dict(median=row.median, per_second=row.per_second, share=row.share)
        | dict(
            zip(('time_by_ours', 'time_by_best'), relative(row, of_group(row, rows)), strict=True)
        )
        for row in rows
    ]
    with replacing(path) as new:
        new.write_text(json.dumps(facts | dict(notes=list(notes), rows=lines), indent=1) + '\n')


def of_group(row: Row, rows: Sequence[Row]) -> list[Row]:
    """The rows that do the same work in the same run."""
    return [each for each in rows if (each.what, each.group) == (row.what, row.group)]


def draw_chart(path: Path, facts: dict[str, Any], rows: Sequence[Row]) -> None:
    """Writes a chart with a bar for every row: samples per second."""
    from matplotlib.figure import Figure  # without pyplot no window can open

    groups = {
        what: [row for row in rows if row.what == what and row.name != CEILING]
        for what in dict.fromkeys(row.what for row in rows)
    }
    counts = [len(each) + 2 for each in groups.values()]
    figure = Figure((9, BAR * sum(counts) + 0.6), layout='constrained')
    panels = figure.subplots(len(groups), squeeze=False, height_ratios=counts).flat
    for axes, (what, own) in zip(panels, groups.items(), strict=True):
        labels = [f'{row.name}, {row.precision}' for row in own]
        colours = ['C0' if row.is_own else 'C7' for row in own]
        bars = axes.barh(range(len(own)), [row.per_second for row in own], color=colours)
        axes.bar_label(bars, fmt='%.3g', padding=3, fontsize=8)
        axes.set_yticks(range(len(own)), labels, fontsize=8)
        axes.invert_yaxis()
        axes.margins(x=0.12)
        axes.set_title(MEASUREMENTS[what].title, fontsize=9, loc='left')
        axes.set_xlabel(MEASUREMENTS[what].unit, fontsize=8)
    machine = facts['machine']
    figure.suptitle(
        f'{facts["model"]}: {machine.get("gpu") or machine["processor"]}, '
        f'{machine["threads"]} threads',
        fontsize=9,
    )
    with replacing(path) as new:
        figure.savefig(new, dpi=110)
