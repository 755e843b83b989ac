"""``dlc/``: tables in DeepLabCut's format."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from vitpose_plus.datasets.skeletons import Skeleton
from vitpose_plus.files import new_folder
from vitpose_plus.inference.formats.format import Format, Predictions
from vitpose_plus.inference.formats.places import Places, free
from vitpose_plus.inference.formats.text import open_text

NAME = 'dlc'
SCORER = 'vitpose_plus'
COORDS = ('x', 'y', 'likelihood')
# The fields are not empty, because pandas reads a first row of empty fields as part of the header.
MISSING = ('NaN',) * len(COORDS)

Individual = tuple[str, int]  # kind and number, for example track 7; together they are the name


class DeepLabCutFormat(Format):
    """Writes a folder for every dataset, with a table of all pictures and one for every film.

    ``dlc/DATASET/pictures.csv`` has a row for every picture, which begins with its source.
    ``dlc/DATASET/FOLDERS/FILM.csv`` has a row for every frame, which begins with its number. An
    instance with the id 7 is the individual ``track7``. Without ids, the first instance of a
    picture is ``individual1``. If there is one individual, the header has DeepLabCut's rows for
    single animals (scorer, bodyparts, coords). Otherwise it also has the row ``individuals``.
    Missing values are NaN. A film with smoothed instances also has ``FILM_filtered.csv``, as
    DeepLabCut names filtered tables: the same table with the smoothed positions. An instance that
    is not smoothed is missing there.
    """

    @classmethod
    def names(cls) -> tuple[str, ...]:
        return (NAME,)

    def write(self, predictions: Predictions, folder: Path) -> None:
        places = Places(line['source'] for line in predictions.lines)
        with new_folder(folder / NAME) as new:
            for dataset, skeleton in predictions.skeletons.items():
                _write_tables(predictions.lines, skeleton, new / dataset, places)


def _write_tables(
    lines: Iterable[Mapping[str, Any]], skeleton: Skeleton, folder: Path, places: Places
) -> None:
    tables = {}
    for film, found in _found(lines, skeleton.dataset).items():
        place = folder / ('pictures' if film is None else places.of(film))
        path = free(lambda again, place=place: place.with_name(f'{place.name}{again}.csv'))
        path.parent.mkdir(parents=True, exist_ok=True)
        tables[film] = [_Table(path, skeleton, sorted(found.individuals))]
        if found.has_smoothed:
            filtered = path.with_name(f'{path.stem}_filtered.csv')
            tables[film].append(_FilteredTable(filtered, skeleton, sorted(found.individuals)))
        for table in tables[film]:
            table.write_header()
    for line in lines:
        for table in tables[_film(line)]:
            table.append(line)


@dataclass
class _Found:
    """The individuals of a film, and whether one of their instances is smoothed."""

    individuals: set[Individual] = field(default_factory=set)
    has_smoothed: bool = False


def _found(lines: Iterable[Mapping[str, Any]], dataset: str) -> dict[str | None, _Found]:
    """What every film has, and what all pictures have (key None)."""
    found = {}
    for line in lines:
        own = found.setdefault(_film(line), _Found())
        for name, instance in _named(line, dataset):
            own.individuals.add(name)
            own.has_smoothed |= 'smoothed' in instance
    return found or {None: _Found()}


def _film(line: Mapping[str, Any]) -> str | None:
    return None if line['frame'] is None else line['source']


def _named(line: Mapping[str, Any], dataset: str) -> Iterator[tuple[Individual, Mapping[str, Any]]]:
    own = [instance for instance in line['instances'] if instance['dataset'] == dataset]
    for number, instance in enumerate(own, 1):
        track = instance['id']
        yield ('individual', number) if track is None else ('track', track), instance


class _Table:
    """A file of one film or of all pictures. It is not kept open, as there may be many files."""

    def __init__(self, path: Path, skeleton: Skeleton, individuals: list[Individual]) -> None:
        self.path, self.skeleton = path, skeleton
        self.individuals = individuals or [('individual', 1)]

    def write_header(self) -> None:
        bodyparts = [name for name in self.skeleton.names for _ in COORDS]
        number = len(self.individuals)
        names = [f'{kind}{place}' for kind, place in self.individuals for _ in bodyparts]
        rows = [
            ('scorer', *[SCORER] * len(names)),
            ('individuals', *names),
            ('bodyparts', *bodyparts * number),
            ('coords', *COORDS * len(self.skeleton.names) * number),
        ]
        self._write(rows if number > 1 else [rows[0], *rows[2:]])

    def append(self, line: Mapping[str, Any]) -> None:
        row = [line['source'] if line['frame'] is None else line['frame']]
        found = dict(_named(line, self.skeleton.dataset))
        for name in self.individuals:
            points = self.points(found[name]) if name in found else None
            row.extend(chain.from_iterable(points or [MISSING] * len(self.skeleton.names)))
        self._write([row])

    def points(self, instance: Mapping[str, Any]) -> list[list[float]] | None:
        """Returns x, y and likelihood of each keypoint; None if the table has no values for it."""
        return instance['keypoints']

    def _write(self, rows: Iterable[Iterable[Any]]) -> None:
        with open_text(self.path, 'a') as file:
            csv.writer(file, lineterminator='\n').writerows(rows)


class _FilteredTable(_Table):
    """A table of smoothed positions."""

    def points(self, instance: Mapping[str, Any]) -> list[list[float]] | None:
        if 'smoothed' not in instance:
            return None
        pairs = zip(instance['smoothed'], instance['keypoints'], strict=True)
        return [[*xy, score] for xy, (_, _, score) in pairs]
