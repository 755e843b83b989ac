"""Opens label files: json, xml and csv."""

import csv
import io
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from xml.etree import ElementTree

from vitpose_plus.errors import UserError, reason

DELIMITERS = ',;\t'


@dataclass(frozen=True)
class Line:
    """A line of a csv file that is not empty: its number, from 1, and its cells."""

    number: int
    cells: list[str]


def load_json(path: Path) -> Any:
    with _reading(path, 'json'):
        return json.loads(path.read_text(encoding='utf-8-sig'))


def load_xml(path: Path) -> ElementTree.Element:
    with _reading(path, 'xml'):
        content = path.read_bytes()
        if b'<!ENTITY' in content:
            raise ValueError('it defines entities, which no labelling tool writes')
        return ElementTree.fromstring(content)


def load_csv(path: Path) -> list[Line]:
    """The lines of a table whose cells are separated by commas, semicolons or tabs."""
    with _reading(path, 'csv in UTF-8'):
        text = path.read_text(encoding='utf-8-sig')
        first = next((line for line in text.splitlines() if line.strip()), '')
        delimiter = max(DELIMITERS, key=first.count)
        reader = csv.reader(io.StringIO(text, newline=''), delimiter=delimiter, strict=True)
        lines = [Line(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    return [line for line in lines if any(line.cells)]


def refuse_hdf5(path: Path) -> NoReturn:
    """DeepLabCut writes the same labels as csv. Its HDF5 files contain pickles, which can run code
    when they are read."""
    raise UserError(
        f'{path} is an HDF5 file, which can contain code: give the csv beside it, which DeepLabCut '
        f'always writes ({path.with_suffix(".csv").name}).'
    )


def number(text: str) -> float:
    """The number in a cell, also with a decimal comma; NaN for an empty cell.

    Raises:
        ValueError: The cell contains other text.
    """
    if not text:
        return math.nan
    return float(text if '.' in text else text.replace(',', '.'))


@contextmanager
def _reading(path: Path, form: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise UserError(f'{path} does not exist: correct the path.') from error
    except OSError as error:
        problem = error.strerror or reason(error)
        raise UserError(f'{path} cannot be read ({problem}): make it readable.') from error
    except (
        ValueError,
        TypeError,
        LookupError,
        RuntimeError,  # too many levels
        csv.Error,
        ElementTree.ParseError,
    ) as error:
        raise UserError(
            f'{path} cannot be read as {form} ({reason(error)}): export it again.'
        ) from error
