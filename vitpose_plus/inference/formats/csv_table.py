"""``predictions.csv``: one row for each keypoint."""

import csv
from pathlib import Path

from vitpose_plus.files import replacing
from vitpose_plus.inference.formats.format import Format, Predictions
from vitpose_plus.inference.formats.text import open_text
from vitpose_plus.inference.tables import COLUMNS, rows

NAME = 'predictions.csv'


class CsvFormat(Format):
    """Writes a table with a header and a row for every keypoint.

    A picture without instances has no row.
    """

    @classmethod
    def names(cls) -> tuple[str, ...]:
        return (NAME,)

    def write(self, predictions: Predictions, folder: Path) -> None:
        with replacing(folder / NAME) as new, open_text(new) as file:
            table = csv.writer(file)
            table.writerow(COLUMNS)
            table.writerows(rows(predictions.lines, predictions.skeletons))
