"""labelme's json: one file for each picture."""

from typing import Any

from vitpose_plus.datasets.checking.annotation_file import is_number
from vitpose_plus.datasets.labels.grouping import LooseBox, LoosePoint, grouped
from vitpose_plus.datasets.labels.label_format import (
    VISIBLE,
    Content,
    Entry,
    LabelFormat,
    Point,
    is_name,
)

POINT, RECTANGLE = 'point', 'rectangle'


class LabelmeJson(LabelFormat):
    """Points are keypoints, and rectangles are boxes; ``group_id`` is the animal.

    Other shapes are ignored.
    """

    TITLE = 'labelme json'

    @classmethod
    def recognises(cls, raw: Any) -> bool:
        return isinstance(raw, dict) and {'shapes', 'imagePath'} <= raw.keys()

    def read(self, raw: dict) -> Content:
        points, boxes = [], []
        if not isinstance(raw['shapes'], list) or not isinstance(raw['imagePath'], str):
            raise self.wrong('', 'has no list of shapes, or no text as imagePath')
        for row, shape in enumerate(raw['shapes']):
            place = f'shapes[{row}]'
            kind = shape.get('shape_type') if isinstance(shape, dict) else None
            if kind not in (POINT, RECTANGLE):
                continue
            corners, label = self._corners(shape, place), shape.get('label')
            group = shape.get('group_id')
            if not is_name(label):
                raise self.wrong(place, 'has no label', 'give it the name of its keypoint')
            if not isinstance(group, int | str | None):
                raise self.wrong(place, 'has a group_id that is not an integer')
            if kind == POINT:
                points.append(LoosePoint(Point(label, *corners[0], VISIBLE, place), group))
            else:
                (left, right), (top, bottom) = (
                    (min(values), max(values)) for values in zip(*corners, strict=True)
                )
                boxes.append(LooseBox((left, top, right - left, bottom - top), label, group))
        animals = grouped(points, boxes, lambda what, hint: self.wrong('', what, hint))
        size = raw.get('imageWidth'), raw.get('imageHeight')
        size_wh = size if all(map(is_number, size)) else None
        return Content(self.path, [Entry(raw['imagePath'], '', animals, size_wh)])

    def _corners(self, shape: dict, place: str) -> list[tuple[float, float]]:
        points = shape.get('points')
        is_right = (
            isinstance(points, list)
            and points
            and all(
                isinstance(one, list) and len(one) == 2 and all(map(is_number, one))
                for one in points
            )
        )
        if not is_right:
            raise self.wrong(place, 'has points that are not pairs of finite numbers')
        return [tuple(map(float, point)) for point in points]
