"""COCO keypoint json."""

import math
from collections import Counter
from types import SimpleNamespace
from typing import Any

import numpy as np

from vitpose_plus.datasets.checking.annotation_file import are_numbers, as_array, is_id
from vitpose_plus.datasets.checking.coco_style import CocoStyleFile
from vitpose_plus.datasets.checking.findings import Findings
from vitpose_plus.datasets.checking.needs import Needs
from vitpose_plus.datasets.labels.label_format import (
    Animal,
    Content,
    Entry,
    LabelFormat,
    NamedPoints,
    Point,
)


class CocoKeypoints(LabelFormat):
    """The json that CVAT, COCO Annotator and Label Studio export as COCO keypoints.

    Names, order and links come from ``categories``. Categories without keypoints, annotations
    without keypoints and crowds are ignored. A box without an area counts as missing, because COCO
    Annotator writes such boxes.
    """

    TITLE = 'COCO keypoint json'

    @classmethod
    def recognises(cls, raw: Any) -> bool:
        return isinstance(raw, dict) and {'images', 'annotations'} <= raw.keys()

    def read(self, raw: Any) -> Content:
        categories = self._categories(raw)
        annotations = self._posed(raw, categories)
        for category, named in categories.items():
            own = [one for one in annotations if one['category_id'] == category]
            self._check(raw, own, named[1])
        entries = {
            image['id']: Entry(
                picture=image['file_name'],
                place=f'image {image["id"]}',
                animals=[],
                size_wh=(image['width'], image['height']),
            )
            for image in raw['images']
        }
        for one in annotations:
            title, named = categories[one['category_id']]
            entries[one['image_id']].animals.append(_animal(one, title, named.names))
        declared = dict(categories.values())
        return Content(self.path, list(entries.values()), declared)

    def _categories(self, raw: dict) -> dict[int, tuple[str, NamedPoints]]:
        """Id -> name and keypoints of every category that has keypoints."""
        found = {}
        listed = raw.get('categories')
        for row, one in enumerate(listed if isinstance(listed, list) else []):
            place = f'categories[{row}]'
            if not isinstance(one, dict) or not one.get('keypoints'):
                continue
            if not is_id(one.get('id')) or not isinstance(one.get('name'), str):
                raise self.wrong(place, 'has no id that is an integer, or no name that is a text')
            names = self.checked_names(one['keypoints'], place)
            links = self._links(one.get('skeleton') or [], len(names), place)
            found[one['id']] = one['name'], NamedPoints(names, links)
        if not found:
            hint = 'add `keypoints` to its category, as COCO has it'
            raise self.wrong('', 'has no category with the names of its keypoints', hint)
        for name, times in Counter(name for name, _ in found.values()).items():
            if times > 1:
                raise self.wrong('', f'has {times} categories with the name {name}')
        return found

    def _links(self, skeleton: object, number: int, place: str) -> tuple[tuple[int, int], ...]:
        """Links from 0. COCO counts from 1; a file with a 0 counts from 0."""
        is_right = isinstance(skeleton, list) and all(
            isinstance(link, list) and len(link) == 2 and all(map(is_id, link)) for link in skeleton
        )
        ends = [end for link in skeleton for end in link] if is_right else []
        first = 0 if 0 in ends else 1
        if not is_right or any(not first <= end < number + first for end in ends):
            what = 'has a skeleton that is not a list of pairs of its keypoints'
            raise self.wrong(place, what, 'number its keypoints from 1')
        return tuple((one - first, other - first) for one, other in skeleton)

    def _posed(self, raw: dict, categories: dict) -> list[dict]:
        """The annotations with keypoints, as the check needs them (``_prepared``)."""
        listed = raw['annotations']
        if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
            raise self.wrong('annotations', 'is not a list of dicts')
        posed = []
        for one in listed:
            category = one.get('category_id')
            if not one.get('keypoints') or one.get('iscrowd', 0) == 1:
                continue
            if not is_id(category) or category not in categories:
                what = 'has keypoints, but its category_id is not a category with keypoints'
                raise self.wrong(f'annotation {one.get("id")}', what)
            posed.append(_prepared(one))
        return posed

    def _check(self, raw: dict, annotations: list[dict], named: NamedPoints) -> None:
        """Checks with the class that also checks files before a training."""
        info = dict(num_keypoints=len(named.names), keypoint_id2name=dict(enumerate(named.names)))
        dataset = SimpleNamespace(
            ann_file=str(self.path), metainfo=info, bbox_file=None, test_mode=False
        )
        findings = Findings()
        CocoStyleFile(dataset, Needs(), findings).check(raw | dict(annotations=annotations))
        findings.raise_first()


def _prepared(one: dict) -> dict:
    """A copy for the check: it has a box, and missing keypoints are 0, also if they were NaN.

    ``own_box`` is whether the box is from the file; otherwise it is made from the points.
    """
    keypoints = one['keypoints']
    if not are_numbers(keypoints) or len(keypoints) % 3:
        return one | dict(bbox=[0, 0, 0, 0], own_box=False)  # the check reports it
    points = as_array([keypoints], len(keypoints)).reshape(-1, 3)
    points[points[:, 2] == 0] = 0
    prepared = one | dict(keypoints=points.ravel().tolist(), num_keypoints=1, area=1)
    box = one.get('bbox')
    if box and not (are_numbers(box, 4) and 0 in box[2:]):
        return prepared | dict(own_box=True)
    return prepared | dict(bbox=_extent(points), own_box=False)


def _extent(points: np.ndarray) -> list[float]:
    """x, y, width, height of the labelled points (K, 3), at least 2 pixels wide and high."""
    xy = points[points[:, 2] > 0, :2]
    if not len(xy) or not np.isfinite(xy).all():
        return [0, 0, 2, 2]
    low = xy.min(0) - 1
    return [*low.tolist(), *(xy.max(0) + 1 - low).tolist()]


def _animal(one: dict, category: str, names: tuple[str, ...]) -> Animal:
    place = f'annotation {one["id"]}'
    triplets = zip(names, np.reshape(one['keypoints'], (-1, 3)), strict=True)
    points = [
        Point(name, float(x), float(y), math.ceil(v), place) for name, (x, y, v) in triplets if v
    ]
    return Animal(points, tuple(map(float, one['bbox'])) if one['own_box'] else None, category)
