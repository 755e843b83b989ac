"""The answer of the page to an upload: its files, its table and its messages."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from vitpose_plus.datasets.skeletons import Skeleton
from vitpose_plus.inference.drawing import Drawings
from vitpose_plus.inference.formats import FORMATS
from vitpose_plus.inference.formats.format import Predictions
from vitpose_plus.inference.results import Result
from vitpose_plus.inference.tables import COLUMNS, rows
from vitpose_plus.inference.writing import Lines, disk_errors, write_line

CSV = 'csv'
TABLE_ROWS = 1000  # the csv file has all rows
PICTURE_COLUMNS = ('instance', 'dataset', 'keypoint', 'x', 'y', 'score')
FILM_COLUMNS = ('frame', 'id', *PICTURE_COLUMNS)
HEATMAPS = '_heatmaps'  # in the names of files


@dataclass
class Answer:
    """The answer to an upload.

    Attributes:
        drawn: The picture or film with poses.
        overlay: The picture or film with heatmaps; None if there is none.
        columns: The headings of the table.
        table: The first rows of the table: one row for each keypoint.
        files: All files that the user can download.
        messages: Sentences for the user.
    """

    drawn: Path
    overlay: Path | None
    columns: tuple[str, ...]
    table: list[list[Any]]
    files: list[Path]
    messages: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Writing:
    """Writes results into a folder, in the formats of ``vitpose predict``.

    Attributes:
        folder: An empty folder.
        stem: The first part of the names of all files.
        ending: The ending of the file with the lines of ``predictions.ndjson``.
        columns: The columns of the table.
        score: Keypoints with a higher score are drawn.
        overlays: Makes the drawings of heatmaps; None: there are none.
    """

    folder: Path
    stem: str
    ending: str
    columns: tuple[str, ...]
    score: float
    overlays: Callable[[Path, float], Drawings] | None

    def write(self, results: Iterable[Result], skeletons: Mapping[str, Skeleton]) -> Answer:
        """Writes all files, and returns the answer.

        Raises:
            RunError: The disk is full.
        """
        record = self.folder / f'{self.stem}{self.ending}'
        drawn, overlay = self._record(results, record)
        lines = Lines(record)
        predictions = Predictions(lines, dict(skeletons), self.score)
        with disk_errors(self.folder):
            FORMATS[CSV]().write(predictions, self.folder)
            [name] = FORMATS[CSV].names()
            table = (self.folder / name).rename(self.folder / f'{self.stem}.{CSV}')
        files = [path for path in (drawn, overlay, record, table) if path]
        picked = list(islice(self._rows(rows(lines, skeletons)), TABLE_ROWS))
        return Answer(drawn, overlay, self.columns, picked, files)

    def _record(self, results: Iterable[Result], record: Path) -> tuple[Path, Path | None]:
        """Writes the lines and the drawings; returns the paths of the drawings."""
        with ExitStack() as stack:
            file = stack.enter_context(open(record, 'wb', buffering=0))
            drawings = stack.enter_context(Drawings(self.folder, self.score))
            overlays = self.overlays and stack.enter_context(self.overlays(self.folder, self.score))
            for result in results:
                with disk_errors(self.folder):
                    write_line(file, result.to_dict())
                drawings.add(result)
                drawn = result.place
                overlay = PurePosixPath(f'{self.stem}{HEATMAPS}{drawn.suffix}')
                if overlays:
                    overlays.add(replace(result, place=overlay))
        return self.folder / drawn, self.folder / overlay if overlays else None

    def _rows(self, table: Iterable[Sequence[Any]]) -> Iterator[list[Any]]:
        numbers = [COLUMNS.index(name) for name in self.columns]
        for row in table:
            yield [row[number] for number in numbers]
