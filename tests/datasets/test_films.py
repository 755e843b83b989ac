"""The true values of synthetic films are those of the drawn figures, in every frame."""

from collections import defaultdict
from fractions import Fraction
from itertools import combinations, islice

import cv2
import numpy as np
import pytest

from vitpose_plus.datasets.figures.films import Film, scene_frames
from vitpose_plus.datasets.figures.person_shapes import sample_person
from vitpose_plus.datasets.figures.rates import TICKS, ConstantRate, VariableRate
from vitpose_plus.datasets.figures.walking import Occluder
from vitpose_plus.errors import UserError

SIZE = 240, 180
SIDES = {
    'person': [f'{{}}_{part}' for part in ('elbow', 'wrist', 'knee', 'ankle')],
    'animal': ['{}_F_Paw', '{}_B_Paw'],
}
LETTERS = {'person': ('left', 'right'), 'animal': ('L', 'R')}


@pytest.fixture(scope='module')
def frames():
    """A film of 20 s."""
    return list(scene_frames(0, 0, 50, ConstantRate(2.5), SIZE))


@pytest.fixture(scope='module')
def tracks(frames):
    """By id: the pairs of the number of a frame and the figure in it."""
    found = defaultdict(list)
    for frame in frames:
        for tracked in frame.figures:
            found[tracked.track_id].append((frame.number, tracked))
    return found


def scenery(film):
    """The picture without figures."""
    image, owner = film.background.copy(), np.zeros(SIZE[::-1], np.uint8)
    for level, part in enumerate(film.parts, 1):
        if isinstance(part, Occluder):
            part.draw(0.0, image, owner, level)
    return image


def window(corners):
    """The slices of a box x1, y1, x2, y2 with a margin of two pixels."""
    left, top = np.maximum(corners[:2].astype(int) - 2, 0)
    right, bottom = np.ceil(corners[2:]).astype(int) + 3
    return slice(top, bottom), slice(left, right)


def middle(tracked):
    return tracked.figure.points[:, 0].mean()


def test_left_is_warm_and_right_is_cool_at_the_visible_keypoints(frames):
    colours = {0: [], 1: []}
    for frame in frames:
        for tracked in frame.figures:
            names, kind = tracked.kind.keypoints, tracked.kind.name
            for side, letters in enumerate(LETTERS[kind]):
                for name in SIDES[kind]:
                    x, y, v = tracked.keypoints[names.index(name.format(letters))]
                    if v == 2:
                        colours[side].append(frame.image[round(y), round(x)].astype(int))
    for side, sign in ((0, 1), (1, -1)):
        blue, _, red = np.transpose(colours[side])
        assert len(red) > 200
        assert (sign * (red - blue) > 20).mean() > 0.95


def test_the_boxes_are_tight_around_what_changes_in_the_picture(frames):
    still = scenery(Film(0, 0, SIZE)).astype(int)
    tight = 0
    for frame in frames:
        changed = (np.abs(frame.image - still) > 6).any(-1)
        corners = [np.append(t.box[:2], t.box[:2] + t.box[2:]) for t in frame.figures]
        others = np.zeros(changed.shape, int)  # the number of boxes at a pixel
        for corner in corners:
            others[window(corner)] += 1
        # A figure of which less than a pixel is in the picture is not listed.
        assert not (changed & (others == 0))[:, 2:-2].any()
        for corner, tracked in zip(corners, frame.figures, strict=True):
            place = window(corner)
            wide = tracked.box[2] > 8
            if wide and tracked.visible == 1 and others[place].max() == 1:
                x, y, w, h = cv2.boundingRect(changed[place].astype(np.uint8))
                found = np.array([x, y, x + w - 1, y + h - 1])
                found += np.tile((place[1].start, place[0].start), 2)
                np.testing.assert_allclose(corner, found, atol=2)
                tight += 1
    assert tight > 20


def test_occluders_hide_the_figures_behind_them_and_no_others(frames):
    pillar = Film(0, 0, SIZE).parts[3].outline / 16
    (left, top), (right, bottom) = pillar.min(0) + 1, pillar.max(0) - 1
    hidden = 0
    for tracked in (tracked for frame in frames for tracked in frame.figures):
        x, y, v = tracked.keypoints.T
        inside = (x > left) & (x < right) & (y > top) & (y < bottom) & (v > 0)
        if tracked.number < 4:
            assert (v[inside] == 1).all()
            hidden += inside.sum()
        elif tracked.number == 7:
            assert tracked.visible == 1
    assert hidden > 50


def test_a_figure_keeps_its_id_its_class_and_its_direction(tracks):
    assert len(tracks) >= 10
    for found in tracks.values():
        numbers = [number for number, _ in found]
        assert numbers == list(range(numbers[0], numbers[-1] + 1))
        assert len({(t.kind.name, t.figure.category) for _, t in found}) == 1
        first = found[0][1].figure
        assert all(t.figure.styles == first.styles for _, t in found)
        steps = np.diff([middle(tracked) for _, tracked in found])
        assert np.abs(steps).max(initial=0) < SIZE[0] / 3
        # A swinging arm may move the middle of a figure that nearly stands a little.
        assert (np.abs(np.sum(steps)) > 0.9 * np.abs(steps).sum()) or len(found) < 3


def test_figures_enter_leave_cross_and_are_hidden(frames, tracks):
    enter = [found for found in tracks.values() if found[0][0] > 0]
    leave = [found for found in tracks.values() if found[-1][0] < frames[-1].number]
    shares = [[tracked.visible for _, tracked in found] for found in tracks.values()]
    hide = [share for share in shares if min(share) < 0.3 and max(share) > 0.8]
    crossings = 0
    for one, other in combinations(tracks.values(), 2):
        one, other = dict(one), dict(other)
        ways = {np.sign(middle(one[n]) - middle(other[n])) for n in one.keys() & other.keys()}
        crossings += ways == {-1, 1}
    assert (len(enter), len(leave)) >= (8, 8)
    assert len(hide) >= 4
    assert crossings >= 4
    assert {found[0][1].kind.name for found in tracks.values()} == {'person', 'animal'}
    assert max(len(frame.figures) for frame in frames) >= 4


def test_limbs_swing_and_keep_their_lengths():
    first, later = (sample_person(np.random.default_rng(5), 200.0, time) for time in (0.0, 2.5))
    assert first.styles == later.styles
    moved = np.linalg.norm(first.points - later.points, axis=1)
    for side in ('left', 'right'):
        joints = [first.index[f'{side}_{p}'] for p in ('shoulder', 'elbow', 'wrist', 'hand_root')]
        legs = [first.index[f'{side}_{part}'] for part in ('hip', 'knee', 'ankle', 'heel')]
        for chain in (joints, legs):
            lengths = [
                np.linalg.norm(np.diff(figure.points[chain], axis=0), axis=1)
                for figure in (first, later)
            ]
            np.testing.assert_allclose(*lengths, atol=1e-9)
            assert moved[chain[0]] < 1e-9
            assert moved[chain[2]] > 10


def test_the_motion_does_not_depend_on_the_rate():
    slow = list(scene_frames(2, 1, 2, ConstantRate(2), (64, 64)))
    fast = list(scene_frames(2, 1, 4, ConstantRate(6), (64, 64)))[::3]
    for one, other in zip(slow, fast, strict=True):
        assert one.time == other.time
        np.testing.assert_array_equal(one.image, other.image)


@pytest.mark.parametrize('rate', [25, Fraction(30000, 1001), 7, 0.5])
def test_times_of_a_constant_rate(rate):
    times = np.array(list(islice(ConstantRate(rate).ticks(np.random.default_rng(0)), 100)))
    np.testing.assert_allclose(times, np.arange(100) * TICKS / float(rate), atol=0.5)


def test_times_of_a_variable_rate():
    times = np.array(list(islice(VariableRate(25).ticks(np.random.default_rng(0)), 1000)))
    steps = np.diff(times) / (TICKS / 1000)  # in milliseconds
    assert times[0] == 0
    assert (steps == np.round(steps)).all()
    assert (steps.min(), steps.max()) == (20, 120)
    assert 38 < steps.mean() < 46


@pytest.mark.parametrize('rate', [0, -1, 1001, float('nan')])
def test_rates_out_of_range(rate):
    with pytest.raises(UserError, match='give more than 0 and at most 1000'):
        ConstantRate(rate)
