"""The page ``report.html``: one file, without scripts, that needs no other file."""

from datetime import datetime
from math import ceil
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from vitpose_plus.reports.notes import notes_of
from vitpose_plus.reports.numbers import WORST
from vitpose_plus.reports.pictures import curve_pictures, tiles
from vitpose_plus.reports.report import Report

TEMPLATE = 'report.html.jinja'
NONE = '-'
# Key of a summary -> the title of its column, decimals, and whether larger numbers are worse.
COLUMNS = {
    'mean_px': ('mean', 1, True),
    'median_px': ('median', 1, True),
    'rmse_px': ('RMSE', 1, True),
    'mean_share': ('share of box', 3, True),
    'pck_5px': ('PCK@5', 2, False),
    'pck_10px': ('PCK@10', 2, False),
}
HEADLINES = ('mean_px', 'median_px', 'rmse_px', 'pck_5px', 'pck_10px')
SPLITS = dict(
    held_out='held out', held_out_first_look='held out, whole picture only', train='train'
)
SHOWN = 3  # keypoints that are named below a picture


def page_of(report: Report, numbers: dict[str, Any]) -> str:
    """Returns the HTML of a report from its numbers. Every text is escaped."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pairs = zip(numbers['worst'], report.held_out.worst(WORST), strict=True)
    worst = [
        dict(one, tiles=tiles(report, row), shown=list(one['errors_px'].items())[:SHOWN])
        for one, row in pairs
    ]
    return environment.get_template(TEMPLATE).render(
        numbers=numbers,
        training=numbers['training'],
        ended=_date(numbers['training']['ended']),
        headlines=headlines(numbers['splits']),
        columns=[title for title, *_ in COLUMNS.values()],
        rows=rows(numbers),
        notes=notes_of(numbers),
        curves=curve_pictures(report.history.curves),
        worst=worst,
        explanation=report.look.explanation,
        command=numbers['film_command'],
        number=number,
    )


def number(value: float | None, decimals: int = 1) -> str:
    return NONE if value is None else f'{value:.{decimals}f}'


def headlines(splits: dict[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Returns the title of each split, with the titles and texts of its main numbers."""
    return [
        (title, [(COLUMNS[key][0], _cell(splits[name]['overall'], key)) for key in HEADLINES])
        for name, title in SPLITS.items()
        if name in splits
    ]


def rows(numbers: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns the rows of the table: a row for each keypoint, and one for all keypoints.

    A cell is (text, whether it is one of the worst of its column).
    """
    held_out, train = numbers['splits']['held_out'], numbers['splits']['train']
    bad = {key: worst_of(held_out, key) for key in COLUMNS}
    table = [
        dict(
            name=name,
            labels=(numbers['training']['labels'][name], summary['labels']),
            cells=[(_cell(summary, key), name in bad[key]) for key in COLUMNS],
            train=_cell(train['per_keypoint'][name], 'mean_px'),
        )
        for name, summary in held_out['per_keypoint'].items()
    ]
    overall = dict(
        name='all keypoints',
        labels=(sum(numbers['training']['labels'].values()), held_out['overall']['labels']),
        cells=[(_cell(held_out['overall'], key), False) for key in COLUMNS],
        train=_cell(train['overall'], 'mean_px'),
    )
    return [*table, overall]


def worst_of(split: dict[str, Any], key: str) -> set[str]:
    """Returns the worst quarter of the keypoints in a column.

    They must also be worse than the number for all keypoints.
    """
    sign = 1 if COLUMNS[key][2] else -1
    known = {name: s[key] for name, s in split['per_keypoint'].items() if s[key] is not None}
    order = sorted(known, key=lambda name: -sign * known[name])[: ceil(len(known) / 4)]
    return {name for name in order if sign * (known[name] - split['overall'][key]) > 0}


def _cell(summary: dict[str, Any], key: str) -> str:
    return number(summary[key], COLUMNS[key][1])


def _date(ended: str | None) -> str | None:
    return ended and datetime.fromisoformat(ended).strftime('%Y-%m-%d %H:%M')
