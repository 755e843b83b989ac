"""Jumps against the neighbouring frames are marked exactly where they are."""

from dataclasses import replace

import numpy as np
import pytest

from tests.helpers.tracks import HEIGHT, K, film, walking
from vitpose_plus.inference.jumps import Jumps, _length

FRAMES = 40
TIMES = np.arange(FRAMES) / 30


def marks(results):
    """The pairs of frame and keypoint that are marked."""
    return [
        (result.frame, keypoint)
        for result in Jumps()(results)
        for instance in result.instances
        if instance.jumps is not None
        for keypoint in np.flatnonzero(instance.jumps)
    ]


def moved(*places, by=80.0, times=TIMES):
    points = walking(times)
    for place in places:
        points[place] += by
    return points


@pytest.mark.parametrize('frame', [2, 3, 20, FRAMES - 4, FRAMES - 2])
def test_one_wrong_frame_marks_only_itself(frame):
    assert marks(film(TIMES, moved((frame, 5)))) == [(frame, 5)]


@pytest.mark.parametrize('frame', [0, 1])
def test_at_the_beginning_of_a_track_the_usual_distances_are_not_known(frame):
    assert marks(film(TIMES, moved((frame, 5), by=400))) == []


def test_at_the_end_of_a_track_only_a_distance_that_is_clearly_far_is_marked():
    """The limit is 3 times as high: 0.3 of the length of the body, along both axes."""
    frame = FRAMES - 1
    length = _length([walking(TIMES)[20]])
    near, far = (factor * 0.3 * length / np.sqrt(2) for factor in (0.8, 1.2))
    assert marks(film(TIMES, moved((frame, 5), by=near))) == []
    assert marks(film(TIMES, moved((frame, 5), by=far))) == [(frame, 5)]
    assert marks(film(TIMES, moved((20, 5), by=near))) == [(20, 5)]


def test_two_wrong_frames_in_a_row_are_both_marked():
    assert marks(film(TIMES, moved((20, 5), (21, 5)))) == [(20, 5), (21, 5)]


def test_other_keypoints_and_frames_do_not_matter():
    places = [(8, 0), (8, 16), (15, 3), (30, 3)]
    assert marks(film(TIMES, moved(*places))) == places


@pytest.mark.parametrize('step', [0, 1, 10])
def test_a_movement_of_constant_velocity_is_not_marked(step):
    """Up to three lengths of the body from frame to frame, also if frames have other distances."""
    times = np.cumsum(1 + np.arange(FRAMES) % 3) / 30
    points = walking(np.zeros(1)) + step * HEIGHT * times[:, None, None]
    assert marks(film(times, points)) == []


def test_an_animal_that_stays_at_another_place_is_not_marked():
    points = walking(TIMES)
    points[20:] += 400
    assert marks(film(TIMES, points)) == []


def test_keypoints_that_always_tremble_are_rarely_marked():
    """The keypoint 5 errs by 40 pixels in every frame, and then by 900."""
    points = walking(TIMES)
    points[:, 5] += np.random.default_rng(0).normal(0, 40, (FRAMES, 2))
    points[30, 5] += 900
    found = marks(film(TIMES, points))
    assert (30, 5) in found
    assert {keypoint for _, keypoint in found} == {5}
    assert len(found) <= 3


def test_a_gap_beside_a_frame_makes_the_limit_higher():
    length = _length([walking(TIMES)[20]])
    points = moved((20, 5), by=0.2 * length / np.sqrt(2))
    assert marks(film(TIMES, points)) == [(20, 5)]
    assert marks(film(TIMES, points, missing=(21,))) == []
    assert marks(film(TIMES, moved((20, 5), by=200), missing=(21,))) == [(20, 5)]


def test_a_track_in_which_one_frame_explains_everything_has_no_marks():
    """With three frames, one of the outer ones may be the wrong one."""
    assert marks(film(TIMES[:3], moved((1, 5), times=TIMES[:3]))) == []
    assert marks(film(TIMES[:1], walking(TIMES[:1]))) == []


def test_pictures_and_instances_without_ids_are_not_changed():
    points = moved((20, 5))
    assert marks(film(TIMES, points, id=None)) == []
    pictures = [replace(one, frame=None, time=None) for one in film(TIMES, points)]
    assert list(map(repr, Jumps()(pictures))) == list(map(repr, pictures))


def test_each_track_and_film_has_its_own_neighbours():
    one = film(TIMES, moved((20, 5)), id=1)
    other = film(TIMES, walking(TIMES) + 200, id=2)
    both = [
        replace(a, instances=[*b.instances, *a.instances]) for a, b in zip(one, other, strict=True)
    ]
    later = list(film(TIMES, walking(TIMES) + 999, source='other.mp4'))
    results = list(Jumps()([*both, *later]))
    assert len(results) == 2 * FRAMES
    marked = [(r.frame, i.id) for r in results for i in r.instances if i.jumps is not None]
    assert marked == [(20, 1)]


def test_a_result_waits_for_three_others():
    results = film(TIMES, np.zeros((FRAMES, K, 2)))
    stage = Jumps()(results)
    assert next(stage).frame == 0
    assert next(results).frame == 4
