"""A csv file of boxes."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vitpose_plus.errors import UserError, reason
from vitpose_plus.inference.boxes.given import GroupedBoxes, problems
from vitpose_plus.inference.boxes.source import Boxes

SOURCES = ('source', 'image', 'file', 'filename', 'file_name', 'path')
CORNERS = ('x1', 'y1', 'x2', 'y2')
COLUMNS = f'source, {", ".join(CORNERS)} and, if there are any, score and label'


@dataclass
class Row:
    """A line of the file; ``numbers`` is empty for a picture without boxes."""

    line: int
    source: str
    numbers: list[float]
    label: str | None


class CsvBoxes(GroupedBoxes):
    """A table with the header ``source,x1,y1,x2,y2[,score][,label]`` in any order.

    Other columns are ignored. A row without numbers is for a picture without people or animals.

    Args:
        path: The path of the file.
    """

    def __init__(self, path: str | Path) -> None:
        title = str(path)
        rows = list(_rows(title))
        if not rows:
            raise UserError(f'{title} has no rows: give the boxes of every picture.')
        boxed = [row for row in rows if row.numbers]
        numbers = np.array([row.numbers for row in boxed], np.float64).reshape(-1, 5)
        for row, what in zip(boxed, problems(numbers), strict=True):
            if what:
                raise UserError(f'{title} has a box {what} in line {row.line}: correct it.')
        by_source: dict[str, list[Row]] = {row.source: [] for row in rows}
        for row in boxed:
            by_source[row.source].append(row)
        groups = {source: _boxes(rows) for source, rows in by_source.items()}
        labels = dict.fromkeys(row.label for row in boxed if row.label is not None)
        super().__init__(title, groups, labels)


def _boxes(rows: list[Row]) -> Boxes:
    numbers = np.array([row.numbers for row in rows], np.float32).reshape(-1, 5)
    return Boxes(xyxy=numbers[:, :4], scores=numbers[:, 4], labels=[row.label for row in rows])


def _rows(path: str) -> Iterator[Row]:
    """Yields the rows; raises a ``UserError`` if the file is not a table of boxes."""
    try:
        with open(path, encoding='utf-8-sig', newline='') as file:
            reader = csv.reader(file, strict=True)
            columns = _columns(path, next(reader, []))
            for cells in filter(None, reader):
                yield _row(path, reader.line_num, cells, columns)
    except OSError as error:
        raise UserError(f'{path} cannot be read ({error.strerror}): make it readable.') from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(
            f'{path} cannot be read as csv ({reason(error)}): save it as csv in UTF-8.'
        ) from error


def _columns(path: str, header: list[str]) -> dict[str, int]:
    """Name of a column -> its position; the column of the pictures is ``source``."""
    names = [cell.strip().lower() for cell in header]
    sources = [name for name in SOURCES if name in names]
    twice = [name for name in (*CORNERS, *SOURCES, 'score', 'label') if names.count(name) > 1]
    missing = [name for name in CORNERS if name not in names]
    if not sources:
        missing.insert(0, 'source')
    if missing:
        raise UserError(
            f'{path} has no column {", ".join(missing)} in its first line: name the columns there '
            f'({COLUMNS}), with commas between them.'
        )
    if twice or len(sources) > 1:
        both = f'{twice[0]} twice' if twice else ' and '.join(sources[:2])
        raise UserError(f'{path} has the columns {both}: keep one of them.')
    return {name: names.index(name) for name in (*CORNERS, 'score', 'label') if name in names} | {
        'source': names.index(sources[0])
    }


def _row(path: str, line: int, cells: list[str], columns: dict[str, int]) -> Row:
    if len(cells) <= max(columns.values()):
        raise UserError(f'{path} has too few cells in line {line} ({len(cells)}): correct it.')
    texts = {name: cells[place].strip() for name, place in columns.items()}
    if not texts['source']:
        raise UserError(f'{path} names no picture in line {line}: correct it.')
    corners = [texts[name] for name in CORNERS]
    numbers = []
    if any(corners):
        numbers = [_number(path, line, text) for text in (*corners, texts.get('score') or '1')]
    return Row(line, texts['source'], numbers, texts.get('label') or None)


def _number(path: str, line: int, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        value = f'{text!r}' if text else 'an empty cell'
        raise UserError(f'{path} has {value}, not a number, in line {line}: correct it.') from None
