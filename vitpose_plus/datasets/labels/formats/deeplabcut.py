"""DeepLabCut's csv."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from vitpose_plus.datasets.labels.label_format import (
    VISIBLE,
    Animal,
    Content,
    Entry,
    LabelFormat,
    NamedPoints,
    Point,
    is_name,
)
from vitpose_plus.datasets.labels.loading import Line, number

FIRST, COORDS, INDIVIDUALS = 'scorer', 'coords', 'individuals'


@dataclass(frozen=True)
class Row:
    """The row of a picture: its place and path, and a value for every column (NaN: missing)."""

    place: str
    picture: str
    values: list[float]


class DeepLabCutCsv(LabelFormat):
    """``CollectedData_*.csv``: a row for each picture, and two columns for each keypoint (of each
    individual).

    The path of a picture is in one column, or in three. The rows of the header are scorer,
    individuals (several animals), bodyparts and coords. Individuals with other bodyparts
    (``single``, for bodyparts that occur once) are another category.
    """

    TITLE = 'DeepLabCut csv'

    @classmethod
    def recognises(cls, raw: Any) -> bool:
        return bool(raw) and raw[0].cells[0].lower() == FIRST

    def read(self, raw: list[Line]) -> Content:
        header = self._header(raw)
        for row in ('bodyparts', COORDS):
            if row not in header:
                raise self.wrong('', f'has no row {row} in its header', 'export it again')
        extra = sorted(set(header[COORDS]) - {'x', 'y'})
        if extra:
            what = f'has columns {", ".join(extra)} beside x and y, as tables of predictions have'
            raise self.wrong('', what, 'give the table of labels (CollectedData)')
        individuals = header.get(INDIVIDUALS) or [''] * len(header[COORDS])
        columns: dict[str, dict[str, dict[str, int]]] = {}  # individual, bodypart, coord
        named = zip(individuals, header['bodyparts'], header[COORDS], strict=True)
        for column, (individual, bodypart, coord) in enumerate(named):
            places = columns.setdefault(individual, {}).setdefault(bodypart, {})
            if coord in places:
                hint = 'give every keypoint its own name'
                raise self.wrong('', f'names the keypoint {bodypart} twice', hint)
            places[coord] = column
        return self._content(columns, list(self._rows(raw)))

    def _content(self, columns: dict[str, dict[str, dict[str, int]]], rows: list[Row]) -> Content:
        for bodyparts in columns.values():
            for bodypart, places in bodyparts.items():
                if len(places) < 2:
                    raise self.wrong('', f'has no x, or no y, for the keypoint {bodypart}')
        categories: dict[tuple[str, ...], str] = {}  # bodyparts -> their first individual
        for individual, bodyparts in columns.items():
            categories.setdefault(self.checked_names(list(bodyparts), 'bodyparts'), individual)
        several = len(categories) > 1
        declared = {
            individual if several else None: NamedPoints(names)
            for names, individual in categories.items()
        }
        entries = []
        for row in rows:
            animals = [
                Animal(
                    points=list(self._points(row, bodyparts)),
                    category=categories[tuple(bodyparts)] if several else None,
                )
                for bodyparts in columns.values()
            ]
            entries.append(Entry(row.picture, row.place, animals))
        return Content(self.path, entries, declared)

    def _points(self, row: Row, bodyparts: dict[str, dict[str, int]]) -> Iterator[Point]:
        for name, places in bodyparts.items():
            x, y = row.values[places['x']], row.values[places['y']]
            if math.isnan(x) and math.isnan(y):
                continue
            if math.isnan(x) or math.isnan(y):
                missing = 'x' if math.isnan(x) else 'y'
                raise self.wrong(
                    row.place, f'has only one coordinate of the keypoint {name}', f'add {missing}'
                )
            yield Point(name, x, y, VISIBLE, row.place)

    def _header(self, raw: list[Line]) -> dict[str, list[str]]:
        """Name of each row of the header -> its cells in the columns of numbers."""
        start, header = _first_value(raw[0].cells), {}
        for line in raw[:4]:
            header[line.cells[0].lower()] = line.cells[start:]
            if line.cells[0].lower() == COORDS:
                break
        if len({len(cells) for cells in header.values()}) > 1:
            raise self.wrong('', 'has rows of its header with different lengths', 'export it again')
        return header

    def _rows(self, raw: list[Line]) -> Iterator[Row]:
        start, width = _first_value(raw[0].cells), len(raw[0].cells)
        for line in raw[len(self._header(raw)) :]:
            place = f'line {line.number}'
            if len(line.cells) != width:
                raise self.wrong(place, f'has {len(line.cells)} cells, and the header {width}')
            picture = '/'.join(cell for cell in line.cells[:start] if cell)
            if not is_name(picture):
                raise self.wrong(place, 'names no picture')
            yield Row(place, picture, self._numbers(place, line.cells[start:]))

    def _numbers(self, place: str, cells: Sequence[str]) -> list[float]:
        values = []
        for cell in cells:
            try:
                values.append(number(cell))
            except ValueError:
                raise self.wrong(place, f'has {cell!r}, which is not a number') from None
        return values


def _first_value(cells: list[str]) -> int:
    """The first column of numbers: the cells before it, except the title, are empty."""
    return next((column for column, cell in enumerate(cells) if column and cell), len(cells))
