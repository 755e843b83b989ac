"""Two looks (``--boxes refine``): the whole picture, and then the box around the keypoints."""

from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from types import SimpleNamespace

import numpy as np
import pytest

from tests.helpers.films import write_film
from vitpose_plus.datasets.labels.boxes import box_of_points
from vitpose_plus.errors import UserError
from vitpose_plus.inference.assignment import OneDataset
from vitpose_plus.inference.boxes.whole import FirstLook
from vitpose_plus.inference.estimators import Estimator, Job
from vitpose_plus.inference.instances import Instance
from vitpose_plus.inference.items import Item
from vitpose_plus.inference.sources.picture import Picture
from vitpose_plus.inference.two_looks import (
    LOST,
    SAME,
    RefiningPrediction,
    box_around,
    fits,
    has_left,
)

HW = 120, 160
WHOLE = [0, 0, 160, 120]


def instance(keypoints, scores=0.9):
    keypoints = np.array(keypoints, np.float32)
    scores = np.broadcast_to(scores, len(keypoints))
    return Instance('coco', np.zeros(4), 1.0, keypoints, scores)


def test_the_box_is_that_of_the_labels_for_training():
    """Without the keypoint of a low score."""
    points = [[40, 30], [100, 70], [60, 50], [150, 110]]
    x, y, width, height = box_of_points(np.array([[*p, 2] for p in points[:3]]), (160, 120))
    box = box_around(instance(points, [0.9, 0.9, 0.9, 0.2]), (160, 120))
    np.testing.assert_allclose(box, [x, y, x + width, y + height])
    np.testing.assert_allclose(box, [31, 21, 109, 79])


def test_all_points_are_used_if_few_have_high_scores():
    points = [[40, 30], [100, 70], [60, 50], [140, 100]]
    low = box_around(instance(points, [0.9, 0.9, 0.2, 0.1]), (160, 120))
    np.testing.assert_allclose(low, box_around(instance(points), (160, 120)))


def test_the_box_is_the_whole_picture_if_the_points_are_outside():
    outside = instance([[300, 30], [330, 70], [320, 50]])
    np.testing.assert_allclose(box_around(outside, (160, 120)), WHOLE)
    assert has_left(outside, (160, 120))
    assert not has_left(instance([[300, 30], [150, 70], [320, 50]]), (160, 120))


@pytest.mark.parametrize(
    ('moved', 'larger', 'expected'),
    [
        ((0, 0), 1, True),
        ((0.15, 0.15), 1, True),
        ((0, 0), 1.4, True),
        ((0, 0), 0.72, True),
        ((0.4, 0.2), 1, False),
        ((0, 0), 1.5, False),
        ((0, 0), 0.6, False),
    ],
)
def test_keypoints_fit_their_crop_as_boxes_in_training(moved, larger, expected):
    """The shift and the scale of the crop, compared with the box around the keypoints."""
    assert SAME == 0.5
    found = instance([[60, 40], [100, 40], [100, 80], [60, 80]])
    box = box_around(found, (160, 120)).reshape(2, 2)
    sides, middle = box[1] - box[0], box.mean(0)
    middle = middle + np.array(moved) * sides
    found.box = np.concatenate([middle - larger * sides / 2, middle + larger * sides / 2])
    assert fits(found, (160, 120)) is expected


def test_a_square_that_leaves_the_crop_in_part_is_found_again():
    """The scores are as high as usual, but half of the square is outside of the crop."""
    places = [(40, 40), (40, 40), (52, 52)]
    whole, items = looks(frames(*places))
    assert whole == [True, False, False, False, True, False]
    assert centres(items) == places


@pytest.fixture
def refine(predictor):
    return partial(predictor, boxes='refine', dataset='coco')


def test_pictures_equal_two_looks_by_hand(refine, predictor, people):
    """In batches of several pictures; the instances of pictures have no id."""
    paths = [str(path) for path in sorted(people[0].glob('*.jpg'))[:3]]
    for result in refine(paths):
        [first] = predictor(result.source, 'whole', dataset='coco')
        box = box_around(first.instances[0], (first.width, first.height))
        [second] = predictor(result.source, {result.source: [box]}, dataset='coco')
        [found], [expected] = result.instances, second.instances
        np.testing.assert_allclose(found.box, box, atol=1e-3)
        np.testing.assert_allclose(found.keypoints, expected.keypoints, atol=1e-3)
        np.testing.assert_allclose(found.scores, expected.scores, atol=1e-3)
        assert found.id is None


def test_detect_every_is_refused(predictor, tmp_path):
    film = write_film(tmp_path / 'film.mp4', [0, 40])
    with pytest.raises(UserError, match=r'--detect-every is for detectors, and --boxes refine'):
        predictor.prepare(film, 'refine', dataset='coco', detect_every=2)


# Films, with a model that finds a bright square if its crop contains the square.


@dataclass
class Frame(Picture):
    """A frame with a square around a centre (x, y); without centre there is none."""

    centre: tuple[int, int] | None = None

    def read(self):
        image = np.zeros((*HW, 3), np.uint8)
        if self.centre:
            x, y = self.centre
            image[max(y - 8, 0) : y + 9, max(x - 8, 0) : x + 9] = 255
        return image


def frames(*centres, film=0):
    return [
        Frame('a.mp4', PurePosixPath('a.mp4'), k, k / 30, number=film, centre=centre)
        for k, centre in enumerate(centres)
    ]


class Squares(Estimator):
    """A model with four keypoints: the corners of the square, in the boxes it is given.

    Args:
        found: The score of a found square.
    """

    needs_boxes = has_fixed_size = True
    start_score = 0

    def __init__(self, found=0.9):
        super().__init__(SimpleNamespace(skeletons={'coco': None}))
        self.found, self.looks = found, []

    def jobs(self, image, boxes, assignment):
        [box] = boxes.xyxy
        self.looks.append(box.tolist())
        x1, y1, x2, y2 = box.astype(int)
        y, x = np.nonzero(image[y1:y2, x1:x2, 0])
        if len(x):
            low, high, score = (
                (x1 + x.min(), y1 + y.min()),
                (x1 + x.max(), y1 + y.max()),
                self.found,
            )
        else:
            low, high, score = (x1 + 5, y1 + 5), (x2 - 5, y2 - 5), self.found / 3
        corners = np.array([low, (high[0], low[1]), high, (low[0], high[1])], np.float32)
        found = Instance('coco', box, 1.0, corners, np.full(4, score))
        return [Job({}, lambda _: [found])]


class Runner:
    size = 4
    device = SimpleNamespace(type='cpu')

    def __call__(self, inputs):
        return inputs


def prediction(pictures, found=0.9):
    made = Squares(found), Runner(), pictures, FirstLook(), OneDataset('coco'), {}
    return RefiningPrediction(*made, every=1)


def looks(pictures, found=0.9):
    """Whether each look was at the whole picture, and the items."""
    refining = prediction(pictures, found)
    items = list(refining.settle(map(Item, pictures)))
    return [look == WHOLE for look in refining.estimator.looks], items


def centres(items):
    return [tuple(item.instances[0].keypoints.mean(0).astype(int)) for item in items]


WALK = [(20 + 4 * k, 40 + 2 * k) for k in range(12)]


@pytest.mark.parametrize('found', [0.9, 0.4])
def test_a_film_has_one_look_per_frame_after_the_first(found):
    whole, items = looks(frames(*WALK), found)
    assert whole == [True] + [False] * len(WALK)
    assert centres(items) == WALK
    assert [item.instances[0].id for item in items] == [1] * len(WALK)


def test_an_animal_that_jumps_to_another_place_is_found_again():
    places = [*WALK[:6], *[(130, 90)] * 3]
    whole, items = looks(frames(*places))
    assert whole == [True, *[False] * 6, False, True, False, *[False] * 2]
    assert centres(items) == places


def test_frames_without_the_animal_are_results_with_low_scores():
    places = [*WALK[:4], None, None, *WALK[4:8]]
    whole, items = looks(frames(*places))
    assert [item.instances[0].scores.mean() < 0.5 for item in items] == [not p for p in places]
    assert [c for c, place in zip(centres(items), places, strict=True) if place] == WALK[:8]
    assert sum(whole) == 5  # the first frame, and both looks of the two frames without the animal


def test_each_film_begins_with_the_whole_picture():
    whole, items = looks([*frames(*WALK[:2]), *frames(*WALK[3:5], film=1)])
    assert whole == [True, False, False] * 2
    assert centres(items) == [*WALK[:2], *WALK[3:5]]


def test_a_fall_is_a_part_of_the_median_of_the_film():
    """Scores above ``SCORE`` that are low for the film also bring the whole picture back."""
    _, items = looks(frames(*WALK[:5]), found=1.0)
    score = items[0].instances[0].scores.mean()
    assert 0.3 < score / 3 < LOST * score
    whole, _ = looks(frames(*WALK[:5], (130, 90)), found=1.0)
    assert sum(whole) == 2


@pytest.mark.parametrize('known', range(1, 9))
def test_a_resumed_film_equals_one_that_was_not_stopped(known):
    places = [*WALK[:3], (130, 90), None, *WALK[3:6]]
    expected = [item.instances[0].to_dict() for item in looks(frames(*places))[1]]
    lines = [Instance.from_dict(each) for each in expected[:known]]  # from a journal
    pictures = frames(*places)
    items = [Item(p, [i]) for p, i in zip(pictures, lines, strict=False)]
    refining = prediction(pictures)
    found = list(refining.settle([*items, *map(Item, pictures[known:])]))
    assert [item.instances[0].to_dict() for item in found] == expected
    assert all(item.image is not None for item in found)
    assert bool(refining.estimator.looks) == (known < len(places))


def test_films_and_pictures_may_be_mixed_and_broken():
    def broken():
        raise UserError('it is broken.')

    picture = Frame('p.png', PurePosixPath('p.png'), number=1, centre=(30, 30))
    film = frames(*WALK[:3])
    film[1].read = broken
    bad = Frame('q.png', PurePosixPath('q.png'), number=2)
    bad.read = broken
    _, items = looks([*film, picture, bad, *frames(*WALK[4:6], film=3)])
    assert [bool(item.failure) for item in items] == [False, True, False, False, True, False, False]
    good = [item for item in items if not item.failure]
    assert centres(good) == [WALK[0], WALK[2], (30, 30), *WALK[4:6]]
    assert [item.instances[0].id for item in good] == [1, 1, None, 1, 1]


def test_the_settings_are_described():
    refining = prediction([])
    refining.sources = SimpleNamespace(given=[], selection=SimpleNamespace(describe=dict))
    assert refining.describe()['refine'] == dict(
        margin=0.15, min_score=0.3, min_iou=0.5, min_share_of_median=0.6, median_of=100
    )
