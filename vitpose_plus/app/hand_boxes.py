"""Boxes that are drawn by hand: the rows of a table, and corners that are clicked on a picture."""

import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from vitpose_plus.errors import UserError

COLUMNS = ('x1', 'y1', 'x2', 'y2')
COLOUR = (0, 140, 255)  # BGR
KEPT = 4  # drawings of a picture
Box = list[float]  # x1, y1, x2, y2 in pixels
Point = tuple[float, float]


def read_rows(rows: Sequence[Sequence[Any]]) -> list[Box]:
    """Returns the boxes of a table. A row without any value, or with only 0, is left out.

    Raises:
        UserError: A value is missing or is not a number, or a box has no area.
    """
    return [_box(row, number) for number, row in enumerate(rows, 1) if _has_values(row)]


def _has_values(row: Any) -> bool:
    return not isinstance(row, list | tuple) or any(row)


def complete_rows(rows: Sequence[Sequence[Any]]) -> list[Box]:
    """Returns the boxes of the complete rows of a table, while the user still types."""
    boxes = []
    for row in rows:
        with suppress(UserError):
            boxes += read_rows([row])
    return boxes


def _box(values: Sequence[Any], number: int) -> Box:
    try:
        numbers = [float(value) for value in values]
    except (TypeError, ValueError, OverflowError):
        numbers = []
    if len(numbers) != len(COLUMNS) or not np.isfinite(numbers).all():
        raise UserError(
            f'The box in row {number} is wrong: give four numbers ({", ".join(COLUMNS)}) in pixels.'
        )
    return ordered(numbers[:2], numbers[2:], f'The box in row {number}')


def ordered(first: Sequence[float], second: Sequence[float], name: str = 'The box') -> Box:
    """Returns the box between two opposite corners, which may be given in any order."""
    (left, right), (top, bottom) = (sorted(pair) for pair in zip(first, second, strict=True))
    if left == right or top == bottom:
        raise UserError(f'{name} has no area: give two opposite corners.')
    return [left, top, right, bottom]


def draw(picture: Path, boxes: Sequence[Box], corner: Point | None) -> Path:
    """Draws boxes with their numbers, and a cross at the first corner of a new box.

    The new file is beside the picture. Its name is new, because a browser does not load an address
    twice. Old drawings are deleted, but not the last ones, which a browser may still load.

    Args:
        picture: The picture without boxes.
        boxes: The boxes in pixels of the picture.
        corner: The first corner of a box whose second corner is not yet known.

    Raises:
        UserError: The picture is deleted.
    """
    image = cv2.imread(str(picture)) if picture.exists() else None
    if image is None:
        raise UserError('The picture was deleted after an hour: upload it again.')
    width = max(2, round(max(image.shape[:2]) / 300))
    height_width = np.array(image.shape[:2])
    for number, box in enumerate(boxes, 1):
        inside = np.clip(box, 0, np.tile(height_width[::-1], 2))
        left, top, right, bottom = (round(value) for value in inside)
        cv2.rectangle(image, (left, top), (right, bottom), COLOUR, width)
        place = (left + 2 * width, max(top, 0) + 12 * width)
        cv2.putText(image, str(number), place, 0, width / 2.5, COLOUR, width, cv2.LINE_AA)
    if corner is not None:
        place = tuple(round(value) for value in corner)
        cv2.drawMarker(image, place, COLOUR, cv2.MARKER_CROSS, 15 * width, width)
    out = picture.with_name(f'boxes-{time.time_ns():020d}.jpg')
    for earlier in sorted(picture.parent.glob('boxes-*.jpg'))[:-KEPT]:
        earlier.unlink(missing_ok=True)
    cv2.imwrite(str(out), image)
    return out
