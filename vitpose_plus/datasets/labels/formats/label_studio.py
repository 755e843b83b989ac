"""Label Studio's json."""

from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from vitpose_plus.datasets.checking.annotation_file import is_number
from vitpose_plus.datasets.labels.grouping import LooseBox, LoosePoint, grouped
from vitpose_plus.datasets.labels.label_format import (
    VISIBLE,
    Animal,
    Content,
    Entry,
    LabelFormat,
    Point,
    is_name,
)
from vitpose_plus.files import PICTURES

KEYPOINTS, BOXES = 'keypointlabels', 'rectanglelabels'


class LabelStudioJson(LabelFormat):
    """The export "JSON" (not "JSON-MIN"): a list of tasks, with coordinates in percent.

    A point belongs to the box that its ``parentID`` names. Other points are grouped by the boxes
    around them. Predictions and cancelled annotations are ignored.
    """

    TITLE = 'Label Studio json (the export "JSON")'

    @classmethod
    def recognises(cls, raw: Any) -> bool:
        return (
            isinstance(raw, list)
            and bool(raw)
            and all(
                isinstance(task, dict) and {'data', 'annotations'} <= task.keys() for task in raw
            )
        )

    def read(self, raw: list[dict]) -> Content:
        return Content(self.path, [self._entry(task) for task in raw])

    def _entry(self, task: dict) -> Entry:
        place = f'task {task.get("id")}'
        try:
            kept = [one for one in task['annotations'] if not one.get('was_cancelled')]
            results = [region for one in kept for region in one['result']]
            regions = [one for one in results if one.get('type') in (KEYPOINTS, BOXES)]
            if len(kept) > 1:
                hint = 'keep one of them'
                raise self.wrong(place, f'has {len(kept)} annotations of one picture', hint)
            animals = self._animals(regions, place)
            sizes = {(one['original_width'], one['original_height']) for one in regions}
            picture = self._picture(task, place)
        except (TypeError, KeyError, AttributeError) as error:
            what = f'has no form of Label Studio ({type(error).__name__}: {error})'
            raise self.wrong(place, what, 'export it again') from error
        if len(sizes) > 1:
            raise self.wrong(place, 'has different sizes of one picture', 'export it again')
        return Entry(picture, place, animals, next(iter(sizes), None))

    def _animals(self, regions: list[dict], place: str) -> list[Animal]:
        boxes = [
            LooseBox(self._box(one, place), self._label(one, place), one['id'])
            for one in regions
            if one['type'] == BOXES
        ]
        keys = {box.group for box in boxes}
        points = []
        for one in regions:
            if one['type'] == KEYPOINTS:
                x, y = self._pixels(one, ('x', 'y'), place)
                point = Point(self._label(one, place), x, y, VISIBLE, place)
                parent = one.get('parentID')
                points.append(LoosePoint(point, parent if parent in keys else None))
        return grouped(points, boxes, lambda what, hint: self.wrong(place, what, hint))

    def _box(self, one: dict, place: str) -> tuple[float, float, float, float]:
        if one['value'].get('rotation'):
            raise self.wrong(place, 'has a rotated box', 'draw it without a rotation')
        return tuple(self._pixels(one, ('x', 'y', 'width', 'height'), place))

    def _label(self, one: dict, place: str) -> str:
        labels = one['value'][one['type']]
        if len(labels) != 1:
            raise self.wrong(place, f'has a region with {len(labels)} labels', 'give it one label')
        if not is_name(labels[0]):
            raise self.wrong(place, 'has a label that is not a text')
        return labels[0]

    def _pixels(self, one: dict, names: tuple[str, ...], place: str) -> list[float]:
        """Values in pixels; the file has percent of the width (x) or height (y)."""
        if one.get('image_rotation'):
            hint = 'turn the picture file, and label it again'
            raise self.wrong(place, 'has a picture that was rotated in Label Studio', hint)
        width, height = one['original_width'], one['original_height']
        wanted = [one['value'][name] for name in names]
        if not all(is_number(value) for value in (width, height, *wanted)):
            raise self.wrong(place, 'has a coordinate or size that is not a finite number')
        sides = (width, height, width, height)
        return [value / 100 * side for value, side in zip(wanted, sides, strict=False)]

    def _picture(self, task: dict, place: str) -> str:
        """The only path or URL of a picture among the data of the task."""
        texts = [text for text in task['data'].values() if isinstance(text, str)]
        names = {name for text in texts if (name := _path(text)).lower().endswith(PICTURES)}
        if len(names) != 1:
            what = f'has {len(names)} names of pictures in its data'
            raise self.wrong(place, what, 'keep one picture in every task')
        return names.pop()


def _path(text: str) -> str:
    """The path in a URL: that of the picture, or its parameter ``d`` (storage on a local disk)."""
    if '\\' in text or ('://' not in text and not text.startswith('/')):
        return text
    try:
        url = urlsplit(text)
    except ValueError:  # a wrong address of a machine: the text is no URL
        return text
    local = parse_qs(url.query).get('d')
    return local[0] if local else unquote(url.path)
