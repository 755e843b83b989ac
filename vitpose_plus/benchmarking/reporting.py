"""The results of a benchmark: a table, a JSON file and a chart."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from vitpose_plus.benchmarking.measurements import MEASUREMENTS
from vitpose_plus.benchmarking.training import BACKBONE
from vitpose_plus.benchmarking.ways import Role, Row
from vitpose_plus.files import replacing

BAR = 0.32  # inches
HEADING = 0.75  # inches of a title and an axis
WIDTH = 140  # characters of the tables in a file
EXACT = 9999.5  # larger numbers are integers
RATIOS = ('time_by_ours', 'time_by_best')  # in JSON files
LOADING, TRAINING = 'load', 'train'
# The colour and the opacity of the bars.
LOOKS = {Role.OURS: ('C0', 1.0), Role.OTHER: ('C7', 1.0), Role.PART: ('C0', 0.4)}


def table_of(what: str, rows: Sequence[Row]) -> Table:
    """The table of one word of ``--what``.

    ``time / ours`` is the time of a row for one sample, divided by that of the first row of this
    package with the same precision; ``time / best`` is divided by that of our fastest row.
    """
    measurement = MEASUREMENTS[what]
    look = dict(box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), title_justify='left')
    table = Table(title=measurement.title, **look)
    table.add_column('way', overflow='fold')  # the only column that a narrow terminal narrows
    speed = measurement.unit.replace('/', '\nper ')
    ratios = 'time /\nours', 'time /\nbest', 'of\nceiling'
    for name in ('precision', 'ms', speed, *ratios, 'memory\nin GiB'):
        table.add_column(name, justify='right', no_wrap=True)
    for row in rows:
        table.add_row(*cells(row, rows))
    return table


def cells(row: Row, rows: Sequence[Row]) -> list[str]:
    """The cells of a row of the table."""
    milliseconds = number(row.median * 1e3)
    memory = f'{row.memory / 2**30:.2f}'
    if row.role is Role.CEILING:
        name = f'{row.name}, {row.flops / row.median / 1e9:.0f} GFLOP/s'
        return [name, row.precision, milliseconds, '', '', '', '', memory]
    share = f'{row.share:.0%}' if row.share else ''
    ratios = [f'{each:.2f}' if each else '' for each in relative(row, of_group(row, rows))]
    return [row.name, row.precision, milliseconds, number(row.per_second), *ratios, share, memory]


def number(value: float) -> str:
    """Four digits, and never an exponent of a large number."""
    return f'{value:.4g}' if value < EXACT else f'{value:.0f}'


def relative(row: Row, rows: Sequence[Row]) -> tuple[float, float]:
    """The time of a row for one sample, in parts of that of our first row with the same precision,
    and of our fastest row; 0 if there is none."""
    own = [each for each in rows if each.role is Role.OURS]
    same = next((each for each in own if each.precision == row.precision), None)
    best = max(own, key=lambda each: each.per_second, default=None)
    first, second = (each.per_second / row.per_second if each else 0.0 for each in (same, best))
    return first, second


def workers(rows: Sequence[Row]) -> str | None:
    """Says whether the loader or the model limits a training; None if one was not measured."""
    loaders = [row for row in rows if row.what == LOADING]
    steps = [row for row in rows if row.what == TRAINING and row.group != BACKBONE]
    models = [row for row in steps if row.role is Role.OURS]
    if not loaders or not models:
        return None
    loaded = loaders[0].per_second
    best = max(models, key=lambda row: row.per_second)
    limit = 'loader' if best.per_second > loaded else 'model'
    needed = max(1, math.ceil(best.per_second / loaded))
    return (
        f'One worker loads {number(loaded)} samples/s, and the fastest training step '
        f'({best.name}, {best.precision}) uses {number(best.per_second)}: with one worker the '
        f'{limit} is the limit, and the device needs {needed} of them, each on a core of its own.'
    )


def print_all(facts: dict[str, Any], rows: Sequence[Row], notes: Sequence[str]) -> None:
    """Prints the facts, a table for every word of ``--what``, and the notes."""
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = WIDTH
    for what in dict.fromkeys(row.what for row in rows):
        console.print(table_of(what, [row for row in rows if row.what == what]))
        console.print()
    console.print(f'{machine_of(facts)}, torch {facts["machine"]["versions"]["torch"]}')
    for note in notes:
        console.print(note)


def machine_of(facts: dict[str, Any]) -> str:
    """The name of the device, and its threads."""
    machine = facts['machine']
    threads = f'{machine["threads"]} thread{"s" * (machine["threads"] > 1)}'
    return f'{machine.get("gpu") or machine["processor"]}, {threads}'


def write_json(
    path: Path, facts: dict[str, Any], rows: Sequence[Row], notes: Sequence[str]
) -> None:
    """Writes everything, with the seconds of every round."""
    lines = [
        vars(row)
        | dict(median=row.median, per_second=row.per_second, share=row.share)
        | dict(zip(RATIOS, relative(row, of_group(row, rows)), strict=True))
        for row in rows
    ]
    with replacing(path) as new:
        new.write_text(json.dumps(facts | dict(notes=list(notes), rows=lines), indent=1) + '\n')


def of_group(row: Row, rows: Sequence[Row]) -> list[Row]:
    """The rows that do the same work in the same run."""
    return [each for each in rows if (each.what, each.group) == (row.what, row.group)]


def panels_of(rows: Sequence[Row]) -> dict[tuple[str, str], list[Row]]:
    """``what`` and group -> the rows of a panel of the chart, which do the same work."""
    shown = [row for row in rows if row.role in LOOKS]
    return {(row.what, row.group): of_group(row, shown) for row in shown}


def draw_chart(path: Path, facts: dict[str, Any], rows: Sequence[Row]) -> None:
    """Writes a chart with a bar for every row: samples per second. A panel has the rows of a group.

    Bars of this package are blue, bars of other programs are grey, and bars of ways that do a part
    of the work are pale.
    """
    from matplotlib.colors import to_rgba
    from matplotlib.figure import Figure  # without pyplot no window can open

    groups = panels_of(rows)
    counts = [len(each) for each in groups.values()]
    height = BAR * sum(counts) + HEADING * (len(groups) + 1)
    figure = Figure((9, height), layout='constrained')
    all_axes = figure.subplots(len(groups), squeeze=False, height_ratios=counts).flat
    for axes, ((what, group), own) in zip(all_axes, groups.items(), strict=True):
        labels = [f'{row.name}, {row.precision}' for row in own]
        speeds = [row.per_second for row in own]
        bars = axes.barh(range(len(own)), speeds, color=[to_rgba(*LOOKS[row.role]) for row in own])
        axes.bar_label(bars, [number(each) for each in speeds], padding=3, fontsize=8)
        axes.set_yticks(range(len(own)), labels, fontsize=8)
        axes.tick_params(axis='x', labelsize=8)
        axes.set_ylim(len(own) - 0.4, -0.6)
        axes.margins(x=0.12)
        title = ', '.join(filter(None, (MEASUREMENTS[what].title, group)))
        axes.set_title(title, fontsize=9, loc='left')
        axes.set_xlabel(MEASUREMENTS[what].unit, fontsize=8)
    legend = 'blue: vitpose_plus, grey: other programs, pale: a part of the work'
    figure.suptitle(f'{facts["model"]}: {machine_of(facts)}\n{legend}', fontsize=9)
    with replacing(path) as new:
        figure.savefig(new, dpi=110)
