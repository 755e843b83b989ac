"""Files of boxes: lists of detections, and annotation files from which only boxes are read."""

import numpy as np

from vitpose_plus.datasets.checking.annotation_file import (
    TOLERATED_SHARE,
    Picture,
    are_numbers,
    as_array,
    is_id,
    is_number,
)
from vitpose_plus.datasets.checking.coco_style import OwnFieldsFile
from vitpose_plus.datasets.checking.findings import Findings, shortened

DETECTION = ('image_id', 'category_id', 'bbox', 'score')


class BoxesFile(OwnFieldsFile):
    """A file in COCO's form with objects of any kind: annotations need no keypoints."""

    def _check_names(self, category: dict) -> None:
        """Nothing is checked, because the names of keypoints are not read."""

    def _check_annotations(
        self, annotations: list[tuple[str, dict]], categories: set[int] | None
    ) -> None:
        super()._check_annotations(annotations, categories)
        boxed = []
        for place, one in annotations:
            title = f'annotation {one.get("id", place)}'
            self._check_values(one, title)
            points = one.get('keypoints', [])
            if not are_numbers(points) or len(points) % 3:
                what = 'has keypoints that are not a list of x, y and visibility'
                self.wrong(what, self._with(title, points))
            if 'bbox' in one and self._has_box(one, title):
                boxed.append((title, one['bbox']))
        if annotations and not any('bbox' in one for _, one in annotations):
            what, hint = 'has no annotation with a bbox', 'give each a bbox (x, y, width, height)'
            self.wrong(what, hint=hint)
        finite = np.isfinite(as_array([box for _, box in boxed], 4)).all(1)
        for row in np.flatnonzero(~finite):
            title, box = boxed[row]
            self.wrong('has a box that is not finite', f'{title} ({box})')


def check_detections(
    content: object, path: str, pictures: dict[int, Picture] | None, found: Findings
) -> list[dict]:
    """Returns the detections with valid fields; adds a finding for each of the others.

    Args:
        content: The content of the file.
        path: The path of the file.
        pictures: The pictures by the ids in the annotation file; None if there is no such file.
        found: Collects what is wrong.
    """
    if not isinstance(content, list) or not content:
        found.add(path, f'is not a list of detections, each with {", ".join(DETECTION)}')
        return []
    fine = [
        one
        for row, one in enumerate(content)
        if _is_detection(one, f'detection {row}', path, pictures, found)
    ]
    boxes = as_array([one['bbox'] for one in fine], 4)
    wrong = ~np.isfinite(boxes).all(1) | (boxes[:, 2:] < 0).any(1) | ~(boxes[:, 2:] > 0).any(1)
    for row in np.flatnonzero(wrong):
        what = 'has a box (x, y, width, height) without width and height, or one that is not finite'
        found.add(path, what, f'a detection of image {fine[row]["image_id"]} ({fine[row]["bbox"]})')
    sizes = [_size(one['image_id'], pictures or {}) for one in fine]
    low, wh = boxes[:, :2], as_array(sizes, 2)
    away = ~wrong & ((low >= wh) | (low + boxes[:, 2:] <= 0)).any(1)
    if away.sum() > TOLERATED_SHARE * len(fine):
        for row in np.flatnonzero(away):
            what = 'has a box (x, y, width, height) outside its picture'
            place = f'a detection of image {fine[row]["image_id"]} ({fine[row]["bbox"]})'
            found.add(path, what, place)
    return fine


def _size(image: int, pictures: dict[int, Picture]) -> tuple[float, float]:
    picture = pictures.get(image)
    return (picture and picture.size) or (np.nan, np.nan)


def _is_detection(
    one: object, place: str, path: str, pictures: dict[int, Picture] | None, found: Findings
) -> bool:
    """Whether the detection has all fields in the right form."""
    if not isinstance(one, dict):
        found.add(path, 'is not a dict', f'{place} ({shortened(one)})')
        return False
    if missing := [field for field in DETECTION if field not in one]:
        found.add(path, f'has no {", ".join(missing)}', place)
        return False
    image, score = one['image_id'], one['score']
    if not is_id(image) or not is_id(one['category_id']):
        what = 'has an image_id or category_id that is not an integer'
        found.add(path, what, f'{place} ({shortened(image)}, {shortened(one["category_id"])})')
    elif pictures is not None and image not in pictures:
        hint = 'use the detections of this split'
        what = 'has an image_id that is not in the annotation file'
        found.add(path, what, f'{place} (image {image})', hint)
    elif not are_numbers(one['bbox'], 4):
        what = 'has a bbox that is not a list of four numbers'
        found.add(path, what, f'{place} ({shortened(one["bbox"])})')
    elif not is_number(score):
        found.add(path, 'has a score that is not a finite number', f'{place} ({shortened(score)})')
    else:
        return True
    return False
