"""Gaps of tracks are filled by linear interpolation in time."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from tests.helpers.comparing import assert_same
from tests.helpers.tracks import K, box_of, film, walking
from vitpose_plus.inference.filling import Filling
from vitpose_plus.inference.smoothing import OneEuro


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def moving(rng, number=40):
    """Times of a film with a variable rate, and keypoints (T, K, 2) with constant velocities."""
    times = np.cumsum(rng.uniform(0.01, 0.1, number))
    start, velocity = walking([0])[0], rng.normal(0, 60, (K, 2))
    return times, start + times[:, None, None] * velocity


def without(results, gone):
    """Returns results without the tracks (id, number of the result) in a set."""
    return [
        replace(result, instances=[i for i in result.instances if (i.id, number) not in gone])
        for number, result in enumerate(results)
    ]


@pytest.mark.parametrize('most', [1, 3])
def test_the_gaps_of_constant_motion_are_filled_exactly(most, rng):
    times, points = moving(rng)
    results = list(film(times, points, missing=(4, 10, 11, 12, 20, 21, 22, 23, 39)))
    filled = (4,) if most == 1 else (4, 10, 11, 12)
    for number, (before, after) in enumerate(zip(results, Filling(most)(results), strict=True)):
        if number not in filled:
            assert after == before
            continue
        [own] = after.instances
        assert own.filled
        assert (own.id, own.dataset, own.box_score) == (1, 'coco', 1.0)
        assert_same(own.keypoints, points[number])
        assert_same(own.box, box_of(points[number]))


@pytest.mark.parametrize('most', [1, 2, 5])
def test_exactly_the_inner_gaps_up_to_the_limit_are_filled(most, rng):
    """Random tracks; the reference looks at the complete film."""
    times, points = moving(rng)
    tracks = [film(times, points, id=id) for id in range(4)]
    complete = [
        replace(one[0], instances=[r.instances[0] for r in one])
        for one in zip(*tracks, strict=True)
    ]
    gone = {(id, n) for id in range(4) for n in range(40) if rng.uniform() < 0.2 + 0.2 * id}
    expected = set()
    for id in range(4):
        seen = [n for n in range(40) if (id, n) not in gone]
        for start, end in pairwise(seen):
            expected |= {(id, n) for n in range(start + 1, end) if end - start - 1 <= most}
    found, present = set(), set()
    for number, result in enumerate(Filling(most)(without(complete, gone))):
        assert result.frame == number
        found |= {(one.id, number) for one in result.instances if one.filled}
        present |= {(one.id, number) for one in result.instances if not one.filled}
    assert found == expected
    assert len(expected) > 5
    assert present == {(id, n) for id in range(4) for n in range(40)} - gone


def test_scores_are_the_lower_ones_of_both_ends(rng):
    times, points = moving(rng, 3)
    scores = rng.uniform(0, 1, (3, K))
    results = list(film(times, points, scores, missing=(1,)))
    results[0].instances[0].box_score = 0.5
    [own] = list(Filling(1)(results))[1].instances
    np.testing.assert_array_equal(own.scores, np.minimum(scores[0], scores[2]))
    assert own.box_score == 0.5


def test_a_filled_instance_is_marked_in_its_line(rng):
    times, points = moving(rng, 3)
    lines = [one.to_dict() for one in Filling(1)(film(times, points, missing=(1,)))]
    marks = [line['instances'][0].get('filled') for line in lines]
    assert marks == [None, True, None]


def test_no_gap_is_filled_between_films_or_without_times_and_ids(rng):
    times, points = moving(rng, 3)
    one = list(film(times, points, missing=(1, 2)))
    other = list(film(times, points, missing=(0, 1), source='b.mp4'))
    for results in (
        [*one, *other],
        [*one, *one],
        list(film(times, points, missing=(1,), id=None)),
        [replace(result, time=None, frame=None) for result in film(times, points, missing=(1,))],
    ):
        assert list(Filling(5)(results)) == results


def test_times_that_do_not_increase_give_positions_between_the_ends(rng):
    _, points = moving(rng, 4)
    for wrong in ([0.0, 0.0, 0.0, 0.0], [0.0, 0.3, 0.1, 0.2], [0.2, 0.1, 0.3, 0.0]):
        results = Filling(2)(film(wrong, points, missing=(1, 2)))
        found = np.stack([result.instances[0].keypoints for result in results])
        low, high = np.sort(points[[0, 3]], axis=0)
        assert ((found >= low - 1e-9) & (found <= high + 1e-9)).all()


def test_at_most_so_many_results_wait(rng):
    times, points = moving(rng)
    read = []
    stream = (read.append(1) or result for result in film(times, points, missing=(5, 6)))
    for number, _ in enumerate(Filling(3)(stream), 1):
        assert len(read) <= number + 3


def test_filled_instances_are_smoothed_like_the_others(rng):
    times, points = moving(rng)
    complete = list(OneEuro()(film(times, points)))
    results = OneEuro()(Filling(2)(film(times, points, missing=(7, 8))))
    for one, other in zip(results, complete, strict=True):
        assert_same(one.instances[0].smoothed, other.instances[0].smoothed)
