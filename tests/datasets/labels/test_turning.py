"""The angle between instances: rotations are found, mirrored instances count as not turned."""

import numpy as np
import pytest

from vitpose_plus.datasets.labels import LabelledInstance
from vitpose_plus.datasets.labels.turning import turning

SHAPE = np.array([[0.0, 0], [10, 3], [10, -2], [30, 1], [22, 9]])  # 1 and 2 are partners
FLIPS = [0, 2, 1, 3, 4]


def turned(degrees, shape=SHAPE, missing=()):
    angle = np.radians(degrees)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = np.c_[3.0 * shape @ rotation.T + [100, 50], np.full(len(shape), 2.0)]
    points[list(missing)] = 0
    return LabelledInstance(points)


def mirrored(degrees):
    return turned(degrees, (SHAPE * [-1, 1])[FLIPS])


@pytest.mark.parametrize('degrees', [5, 40, 80])
def test_the_angle_is_that_of_the_rotation(degrees):
    instances = [turned(-degrees), turned(0), turned(degrees)]
    assert turning(instances, FLIPS) == pytest.approx(degrees, rel=0.1)
    holes = [*instances, turned(0, missing=[2]), turned(0, missing=[0, 1, 2, 3])]
    assert turning(holes, FLIPS) == pytest.approx(degrees, rel=0.15)


def test_instances_in_all_directions_have_a_large_angle():
    assert turning([turned(degrees) for degrees in range(0, 360, 10)], FLIPS) > 160


def test_an_animal_that_looks_the_other_way_is_mirrored_and_not_turned():
    both = [turned(0), mirrored(0), turned(4), mirrored(4)]
    assert turning(both, FLIPS) == pytest.approx(4, abs=0.5)


def test_one_keypoint_has_no_angle():
    points = np.array([[5.0, 5, 2], [0, 0, 0]])
    assert turning([LabelledInstance(points)] * 3, [0, 1]) == 0
