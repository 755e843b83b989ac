"""CVAT's xml, CVAT for images 1.1."""

import re
from collections.abc import Callable
from typing import Any
from xml.etree.ElementTree import Element

from vitpose_plus.datasets.labels.grouping import LooseBox, LoosePoint, give_boxes, grouped
from vitpose_plus.datasets.labels.label_format import (
    HIDDEN,
    VISIBLE,
    Animal,
    Content,
    Entry,
    LabelFormat,
    NamedPoints,
    Point,
    is_name,
)
from vitpose_plus.errors import UserError


class CvatXml(LabelFormat):
    """``annotations.xml`` with the elements ``skeleton``, ``points`` and ``box``.

    The labels of skeletons, in ``meta``, declare names, order and links. Each element ``points``
    outside of a skeleton is one keypoint; its label is the name, and ``group_id`` the animal.
    A point that is ``outside`` is missing; one that is ``occluded`` is hidden.
    """

    TITLE = 'CVAT for images 1.1 (xml)'

    @classmethod
    def recognises(cls, raw: Any) -> bool:
        return getattr(raw, 'tag', None) == 'annotations'

    def read(self, raw: Element) -> Content:
        if raw.find('track') is not None:
            hint = 'export it as CVAT for images 1.1'
            raise self.wrong('', 'has tracks, as CVAT for video has', hint)
        declared = self._declared(raw.find('meta'))
        return Content(self.path, [self._entry(image) for image in raw.iter('image')], declared)

    def _declared(self, meta: Element | None) -> dict[str, NamedPoints]:
        """The skeletons; a label of a keypoint names the label of its skeleton as ``parent``."""
        labels = [] if meta is None else list(meta.iter('label'))
        declared = {}
        for skeleton in labels:
            if skeleton.findtext('type') == 'skeleton':
                title = skeleton.findtext('name', '')
                names = [
                    label.findtext('name', '')
                    for label in labels
                    if label.findtext('parent') == title
                ]
                names = self.checked_names(names, f'label {title}')
                declared[title] = NamedPoints(names, _links(skeleton.findtext('svg', ''), names))
        return declared

    def _entry(self, image: Element) -> Entry:
        name = image.get('name', '')
        place = f'image {image.get("id")}, {name}'
        if not is_name(name):
            raise self.wrong(f'image {image.get("id")}', 'names no picture')
        boxes = [
            LooseBox(self._box(one, place), one.get('label', ''), _group(one))
            for one in image.findall('box')
        ]
        loose = [
            LoosePoint(point, _group(one))
            for one in image.findall('points')
            if (point := self._point(one, place))
        ]
        animals = [self._skeleton(one, boxes, place) for one in image.findall('skeleton')]
        give_boxes(animals, boxes)
        if loose:
            animals += grouped(loose, boxes, self._wrong_at(place))
        size = image.get('width'), image.get('height')
        size_wh = tuple(self._number(length, place) for length in size) if all(size) else None
        return Entry(name, place, animals, size_wh)

    def _wrong_at(self, place: str) -> Callable[[str, str], UserError]:
        return lambda what, hint: self.wrong(place, what, hint)

    def _skeleton(self, skeleton: Element, boxes: list[LooseBox], place: str) -> Animal:
        """The animal of a skeleton, with the box of its group."""
        points = [self._point(one, place) for one in skeleton.findall('points')]
        group = _group(skeleton)
        own = [box for box in boxes if group is not None and box.group == group]
        if len(own) > 1:
            raise self.wrong(place, f'has two boxes in the group {group}', 'keep one of them')
        return Animal(
            points=[point for point in points if point],
            box=own[0].xywh if own else None,
            category=skeleton.get('label'),
        )

    def _point(self, one: Element, place: str) -> Point | None:
        """The keypoint of an element ``points``; None if it is missing."""
        name = one.get('label', '')
        if not is_name(name):
            raise self.wrong(place, 'has points without a label')
        if one.get('outside') == '1':
            return None
        pairs = one.get('points', '').split(';')
        if len(pairs) != 1:
            raise self.wrong(
                place,
                f'has {len(pairs)} points with the label {name}',
                'give every keypoint a label of its own, or use a skeleton',
            )
        values = [self._number(value, place) for value in pairs[0].split(',')]
        if len(values) != 2:
            raise self.wrong(place, f'has no x and y for the keypoint {name}')
        visibility = HIDDEN if one.get('occluded') == '1' else VISIBLE
        return Point(name, *values, visibility, place)

    def _box(self, one: Element, place: str) -> tuple[float, float, float, float]:
        left, top, right, bottom = (
            self._number(one.get(side, ''), place) for side in ('xtl', 'ytl', 'xbr', 'ybr')
        )
        return left, top, right - left, bottom - top

    def _number(self, text: str, place: str) -> float:
        try:
            return float(text)
        except ValueError:
            raise self.wrong(place, f'has {text!r}, which is not a number') from None


def _group(element: Element) -> str | None:
    """The number of its group; None without a group, which CVAT also writes as 0."""
    group = element.get('group_id', '0')
    return None if group == '0' else group


def _links(svg: str, names: tuple[str, ...]) -> tuple[tuple[int, int], ...]:
    """The lines of the drawing of a skeleton, as pairs of keypoint numbers from 0."""
    nodes = {}
    for circle in re.findall(r'<circle[^>]*>', svg):
        name = _attribute(circle, 'data-label-name')
        if name in names:
            nodes[_attribute(circle, 'data-node-id')] = names.index(name)
    lines = re.findall(r'<line[^>]*>', svg)
    ends = [(_attribute(x, 'data-node-from'), _attribute(x, 'data-node-to')) for x in lines]
    return tuple(
        (nodes[one], nodes[other]) for one, other in ends if one in nodes and other in nodes
    )


def _attribute(tag: str, name: str) -> str | None:
    found = re.search(rf'{name}="([^"]*)"', tag)
    return found and found[1]
