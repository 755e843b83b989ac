"""The definition of a skeleton for CVAT: without it, CVAT cannot import keypoints."""

from typing import Any
from xml.etree import ElementTree

import numpy as np

from vitpose_plus.datasets.labels.model import Labels

SIDE, BORDER, RADIUS = 100, 10, 0.75  # the unit of CVAT's drawings is a hundredth of the side


def skeleton_label(labels: Labels, category: str) -> dict[str, Any]:
    """Returns the label of a skeleton as CVAT's tab "Raw" shows it.

    Its drawing is the pose that CVAT gives to a new skeleton: the pose with the most labelled
    keypoints.
    """
    places = np.round(_places(labels), 2).tolist()
    drawing = [_line(places, *link) for link in labels.links]
    drawing += [
        _circle(number, name, place)
        for number, (name, place) in enumerate(zip(labels.names, places, strict=True), 1)
    ]
    return dict(
        name=category,
        type='skeleton',
        attributes=[],
        sublabels=[dict(name=name, type='points', attributes=[]) for name in labels.names],
        svg=''.join(drawing),
    )


def _places(labels: Labels) -> np.ndarray:
    """x and y of the keypoints in the drawing, (K, 2); those without a label are at its bottom."""
    number = len(labels.names)
    places = np.full((number, 2), SIDE - BORDER / 2)
    places[:, 0] = BORDER + (SIDE - 2 * BORDER) * (np.arange(number) + 0.5) / number
    instances = [instance for picture in labels.pictures for instance in picture.instances]
    fullest = max(instances, key=lambda one: int(one.labelled.sum()), default=None)
    if fullest is not None:
        xy = fullest.points[fullest.labelled, :2]
        scale = (SIDE - 2 * BORDER) / max(np.ptp(xy, axis=0).max(), 1)
        places[fullest.labelled] = BORDER + scale * (xy - xy.min(0))
    return places


def _line(places: list[list[float]], one: int, other: int) -> str:
    (x1, y1), (x2, y2) = places[one], places[other]
    keys = {'data-type': 'edge', 'data-node-from': one + 1, 'data-node-to': other + 1}
    return _element('line', dict(x1=x1, y1=y1, x2=x2, y2=y2) | keys)


def _circle(number: int, name: str, place: list[float]) -> str:
    """CVAT replaces the name of the label by an id."""
    keys = {'data-type': 'element node', 'data-element-id': number, 'data-node-id': number}
    x, y = place
    return _element('circle', dict(r=RADIUS, cx=x, cy=y) | keys | {'data-label-name': name})


def _element(tag: str, values: dict[str, Any]) -> str:
    element = ElementTree.Element(tag, {key: str(value) for key, value in values.items()})
    return ElementTree.tostring(element, encoding='unicode', short_empty_elements=False)
