"""Tables with a line for each keypoint."""

import math
from typing import Any

from vitpose_plus.datasets.labels.label_format import (
    MISSING,
    VISIBLE,
    Animal,
    Content,
    Entry,
    LabelFormat,
    Point,
    is_name,
)
from vitpose_plus.datasets.labels.loading import Line, number

NEEDED = ('picture', 'keypoint', 'x', 'y')
OPTIONAL = ('visible', 'animal')


class Table(LabelFormat):
    """A csv with the columns ``picture,keypoint,x,y[,visible][,animal]`` in any order.

    Other columns are ignored. ``visible`` is 0, 1 or 2, and 2 if it is empty. A line with empty x
    and y is a missing keypoint; if the keypoint is empty, too, it only names a picture.
    """

    TITLE = f'csv table with the columns {",".join(NEEDED)}[,visible][,animal]'

    @classmethod
    def recognises(cls, raw: Any) -> bool:
        return bool(raw) and set(NEEDED) <= {cell.lower() for cell in raw[0].cells}

    def read(self, raw: list[Line]) -> Content:
        header = [cell.lower() for cell in raw[0].cells]
        columns = {name: header.index(name) for name in NEEDED + OPTIONAL if name in header}
        for name in columns:
            if header.count(name) > 1:
                raise self.wrong('line 1', f'names the column {name} twice', 'keep one of them')
        pictures: dict[str, tuple[str, dict[str, Animal]]] = {}
        for line in raw[1:]:
            place = f'line {line.number}'
            if len(line.cells) != len(header):
                what = f'has {len(line.cells)} cells, and the header {len(header)}'
                raise self.wrong(place, what)
            cells = {name: line.cells[column] for name, column in columns.items()}
            if not is_name(cells['picture']):
                raise self.wrong(place, 'names no picture')
            _, animals = pictures.setdefault(cells['picture'], (place, {}))
            animal = animals.setdefault(cells.get('animal', ''), Animal([]))
            if point := self._point(place, cells):
                animal.points.append(point)
        entries = [
            Entry(picture, place, list(animals.values()))
            for picture, (place, animals) in pictures.items()
        ]
        return Content(self.path, entries)

    def _point(self, place: str, cells: dict[str, str]) -> Point | None:
        """The keypoint of a line; None if it is missing."""
        x, y = self._number(place, cells, 'x'), self._number(place, cells, 'y')
        visibility = self._number(place, cells, 'visible') if cells.get('visible') else VISIBLE
        if visibility not in (0, 1, 2):
            what = f'has the visibility {cells["visible"]}'
            raise self.wrong(place, what, 'give 0 for missing, 1 for hidden, 2 for visible')
        is_called_visible = bool(cells.get('visible')) and visibility != MISSING
        if visibility == MISSING or (math.isnan(x) and math.isnan(y) and not is_called_visible):
            return None
        if math.isnan(x) or math.isnan(y):
            what = f'has no x or no y for the keypoint {cells["keypoint"]}'
            raise self.wrong(place, what, 'add it, or leave x, y and visible empty')
        if not is_name(cells['keypoint']):
            raise self.wrong(place, 'names no keypoint')
        return Point(cells['keypoint'], x, y, int(visibility), place)

    def _number(self, place: str, cells: dict[str, str], name: str) -> float:
        try:
            return number(cells[name])
        except ValueError:
            raise self.wrong(place, f'has {cells[name]!r} as {name}, not a number') from None
