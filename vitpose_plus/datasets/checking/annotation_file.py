"""The base class of the checks of annotation files, and checks of single values."""

import math
from dataclasses import dataclass
from numbers import Real

import numpy as np
from mmengine.dataset import BaseDataset

from vitpose_plus.datasets.checking.findings import HINT, Findings, shortened
from vitpose_plus.datasets.checking.needs import Needs

NUMBERS = {int, float}  # not bool
LARGEST_ID = 2**63  # NumPy and COCO's tools use 64-bit integers
# Official files have a few faults, such as boxes that are empty or outside the picture. If more
# than this share of the annotations has a fault, the file probably has another format.
TOLERATED_SHARE = 1e-3
FURTHEST = 1e7  # pixels
NO_NUMBERS = 'give x, y and visibility 0 to a missing keypoint'
VISIBILITY = 'give 0 to unlabelled keypoints, 1 to hidden ones, 2 to visible ones'
MISSING = object()


@dataclass
class Picture:
    """A picture: its path in the folder of pictures, and (width, height) in pixels if known."""

    file_name: str
    size: tuple[int, int] | None


class AnnotationFile:
    """Checks the content of an annotation file; every format has a subclass.

    Args:
        dataset: The dataset, without annotations and pipeline.
        needs: The fields that its loader and metrics read.
        findings: Collects what is wrong.
    """

    # How a visibility that is not an integer is used: the end of a sentence.
    FRACTIONS = 'is used as a weight (up to 1)'

    def __init__(self, dataset: BaseDataset, needs: Needs, findings: Findings) -> None:
        self.dataset, self.needs, self.findings = dataset, needs, findings
        self.path = dataset.ann_file
        self.num_keypoints = dataset.metainfo['num_keypoints']
        self.pictures: dict[int | str, Picture] = {}
        self.used: set[int | str] = set()  # keys of the pictures that the loader opens
        self.num_annotations = 0

    def check(self, content: object) -> None:
        """Adds to the findings; fills ``pictures``, ``used`` and ``num_annotations``."""
        raise NotImplementedError

    def wrong(self, what: str, place: str = '', hint: str = HINT) -> None:
        self.findings.add(self.path, what, place, hint)

    def note(self, what: str, place: str, hint: str) -> None:
        self.findings.add(self.path, what, place, hint, is_wrong=False)

    def wrong_if_many(self, what: str, places: list[str], of: int) -> None:
        """Adds a fault only if more than a small share has it: official files have a few, too."""
        if places and len(places) > TOLERATED_SHARE * of:
            self.findings.add_all(self.path, what, places)

    def dicts(self, values: object, name: str) -> list[tuple[str, dict]]:
        """Place and content of every dict in a list that should have only dicts."""
        if not isinstance(values, list):
            self.wrong(f'has {name} that are not a list ({shortened(values)})')
            return []
        places = [(f'{name}[{row}]', value) for row, value in enumerate(values)]
        for place, value in places:
            if not isinstance(value, dict):
                self.wrong(f'is not a dict with fields of {name}', f'{place} ({shortened(value)})')
        return [(place, value) for place, value in places if isinstance(value, dict)]

    def has_id(self, one: dict, place: str, taken: set) -> bool:
        """Whether the element has a valid id that is not in ``taken``; adds the id to ``taken``."""
        number = one.get('id', MISSING)
        if number is MISSING:
            self.wrong('has no id', place)
        elif not is_id(number):
            self.wrong('has an id that is not an integer', f'{place} ({shortened(number)})')
        elif number in taken:
            self.wrong('has the same id as an earlier one', f'{place} (id {number})')
        else:
            taken.add(number)
            return True
        return False

    def check_keypoints(self, points: np.ndarray, titles: list[str], wh: np.ndarray) -> None:
        """Checks coordinates and visibility.

        Args:
            points: x, y and visibility; (N, K, 3).
            titles: The N names of the annotations in messages.
            wh: Width and height of each annotation's picture, NaN if unknown; (N, 2).
        """
        xy, visible = points[..., :2], points[..., 2]
        finite = np.isfinite(points)
        reach = np.nan_to_num(wh, nan=np.inf)[:, None]
        labelled = np.nan_to_num(visible) > 0
        away = ((xy < -reach) | (xy / 2 > reach)).any(-1) & labelled  # 2 * reach can overflow
        away |= (np.abs(np.nan_to_num(xy)) > FURTHEST).any(-1)
        invalid = (visible < 0) | (visible > 2)
        fraction = (np.nan_to_num(visible) % 1 != 0) & finite[..., 2] & ~invalid
        kinds = (
            ('has a keypoint with a value that is not finite', ~finite.all(-1), NO_NUMBERS),
            ('has a visibility that is not 0, 1 or 2', invalid & finite[..., 2], VISIBILITY),
            ('has a keypoint far outside of its picture', away & finite.all(-1), HINT),
        )
        for what, where, hint in kinds:
            for row, keypoint in first_of_rows(where):
                values = ', '.join(f'{value:g}' for value in points[row, keypoint])
                self.wrong(what, f'{titles[row]} (keypoint {keypoint}: {values})', hint)
        for row, keypoint in first_of_rows(fraction & finite.all(-1)):
            self.note(
                f'has a visibility between 0 and 1 or 1 and 2, which {self.FRACTIONS}',
                f'{titles[row]} (keypoint {keypoint}: {visible[row, keypoint]:g})',
                'nothing has to be done if this is intended',
            )

    def check_boxes(self, boxes: np.ndarray, titles: list[str], wh: np.ndarray) -> None:
        """Checks that boxes x, y, width, height (N, 4) are finite, and most of them ``fitting``."""
        finite = np.isfinite(boxes).all(1)
        for row in np.flatnonzero(~finite):
            self.wrong('has a box that is not finite', _with_box(titles[row], boxes[row]))
        fits = fitting(boxes, wh)
        misfits = [_with_box(titles[row], boxes[row]) for row in np.flatnonzero(finite & ~fits)]
        what = 'has a box (x, y, width, height) that is empty or not in its picture'
        self.wrong_if_many(what, misfits, len(boxes))


def fitting(boxes: np.ndarray, wh: np.ndarray) -> np.ndarray:
    """Whether boxes x, y, width, height (N, 4) have an area, and at least half of it is in the
    picture of width and height (N, 2). NaN: the size is unknown, and the box counts as inside."""
    with np.errstate(invalid='ignore', over='ignore'):
        low, length = boxes[:, :2], boxes[:, 2:]
        end = np.where(np.isnan(wh), np.inf, wh)
        start = np.where(np.isnan(wh), -np.inf, 0)
        inside = np.clip(np.minimum(low + length, end) - np.maximum(low, start), 0, None)
        # A box of at most 1x1 is not in pixels, but in shares of the picture.
        is_box = (length > 0).all(1) & (length > 1).any(1)
        return is_box & (inside.prod(1) >= length.prod(1) / 2)


def first_of_rows(where: np.ndarray) -> list[tuple[int, int]]:
    """Row and first true column, for every row of (N, K) with a true value."""
    return [(int(row), int(where[row].argmax())) for row in np.flatnonzero(where.any(1))]


def is_id(value: object) -> bool:
    return type(value) is int and abs(value) < LARGEST_ID


def is_file_name(value: object) -> bool:
    """Whether the value is a text that can be a path of the operating system."""
    try:
        return isinstance(value, str) and value != '' and b'\0' not in value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False


def is_number(value: object) -> bool:
    """Whether the value is a finite number of JSON."""
    return type(value) in NUMBERS and math.isfinite(_float(value))


def are_numbers(values: object, number: int | None = None) -> bool:
    """Whether it is a list of JSON numbers, finite or not; and of this length, if given."""
    fits = isinstance(values, list) and number in (None, len(values))
    return fits and set(map(type, values)) <= NUMBERS


def as_array(rows: list[list[Real]], width: int) -> np.ndarray:
    """JSON numbers as an array (N, width); integers too large for a float become infinite."""
    try:
        return np.array(rows, np.float64).reshape(-1, width)
    except OverflowError:
        return np.array([[_float(v) for v in row] for row in rows]).reshape(-1, width)


def _float(value: Real) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _with_box(title: str, box: np.ndarray) -> str:
    return f'{title} ([{", ".join(f"{value:g}" for value in box)}])'
