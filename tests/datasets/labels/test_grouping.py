"""Points and boxes of one picture become animals, or are refused if that is ambiguous."""

import pytest

from vitpose_plus.datasets.labels.grouping import LooseBox, LoosePoint, grouped
from vitpose_plus.datasets.labels.label_format import Point
from vitpose_plus.errors import UserError

LEFT, RIGHT, BOTH = (0, 0, 10, 10), (20, 0, 10, 10), (0, 0, 40, 40)


def point(name, x, group=None):
    return LoosePoint(Point(name, x, 5, 2, ''), group)


def animals(points, boxes):
    def wrong(what, hint):
        return UserError(f'it {what}: {hint}.')

    found = grouped(points, boxes, wrong)
    return [(''.join(p.name for p in one.points), one.box, one.category) for one in found]


def box(xywh, label='mouse', group=None):
    return LooseBox(xywh, label, group)


@pytest.mark.parametrize(
    ('points', 'boxes', 'expected'),
    [
        ([], [box(LEFT)], []),  # a box without points
        ([point('a', 5), point('b', 25)], [], [('ab', None, None)]),
        ([point('a', 5), point('b', 25)], [box(LEFT)], [('ab', LEFT, 'mouse')]),  # the only box
        (
            [point('a', 5), point('a', 25), point('b', 6)],
            [box(RIGHT, 'rat'), box(LEFT)],
            [('ab', LEFT, 'mouse'), ('a', RIGHT, 'rat')],
        ),
        (
            [point('a', 5, 1), point('b', 25, 1), point('a', 6, 0)],
            [box(LEFT, group=0)],
            [('ab', None, None), ('a', LEFT, 'mouse')],
        ),
        # The box without a group is around one animal only.
        (
            [point('a', 5, 1), point('a', 25, 2)],
            [box(LEFT)],
            [('a', LEFT, 'mouse'), ('a', None, None)],
        ),
        # The box without a group is around two animals.
        ([point('a', 5, 1), point('a', 6, 2)], [box(LEFT)], [('a', None, None), ('a', None, None)]),
        # Two boxes without a group are around one animal.
        ([point('a', 5, 1)], [box(LEFT), box(BOTH, 'cage')], [('a', None, None)]),
        # The point without a group is in the box of a group.
        ([point('a', 5, 1), point('b', 6)], [box(LEFT, group=1)], [('ab', LEFT, 'mouse')]),
    ],
)
def test_animals(points, boxes, expected):
    assert animals(points, boxes) == expected


@pytest.mark.parametrize(
    ('points', 'boxes', 'message'),
    [
        ([point('a', 5), point('b', 15)], [box(LEFT), box(RIGHT)], 'keypoint b .* lies in 0 boxes'),
        (
            [point('a', 5)],
            [box(LEFT), box(BOTH)],
            'keypoint a .* lies in 2 boxes: group the points',
        ),
        ([point('a', 5, 1), point('b', 5)], [], 'keypoint b .* has no group, but others have one'),
        ([point('a', 5, 1)], [box(LEFT, group=1), box(RIGHT, group=1)], 'two boxes in the group 1'),
    ],
)
def test_ambiguous_groups(points, boxes, message):
    with pytest.raises(UserError, match=message):
        animals(points, boxes)
