"""Boxes that follow the keypoints of the frame before (``--detect-every``)."""

import cv2
import numpy as np
import pytest

from tests.helpers import figures_detector
from tests.helpers.films import write_film
from vitpose_plus.errors import UserError
from vitpose_plus.inference.boxes.mmdetection import MmdetDetector
from vitpose_plus.inference.following import boxes_around
from vitpose_plus.inference.instances import Instance
from vitpose_plus.inference.items import Item
from vitpose_plus.inference.sources import Selection


def instance(keypoints, scores=0.9, dataset='coco'):
    keypoints = np.array(keypoints, np.float32)
    return Instance(dataset, np.zeros(4), 0.7, keypoints, np.full(len(keypoints), scores))


def test_a_box_is_around_the_keypoints_and_inside_the_picture():
    boxes = boxes_around([instance([[20, 10], [60, 90], [40, 50]])], (100, 95))
    np.testing.assert_allclose(boxes.xyxy, [[15, 0, 65, 95]])
    assert boxes.labels == ['coco']
    np.testing.assert_allclose(boxes.scores, [0.7])


@pytest.mark.parametrize(
    'lost',
    [
        instance([[20, 10], [60, 90], [40, 50]], scores=0.2),
        instance([[20, 10], [60, 90]]),
        instance([[120, 10], [160, 90], [140, 50]]),
    ],
    ids=['low scores', 'two keypoints', 'outside'],
)
def test_a_lost_instance_has_no_box(lost):
    assert boxes_around([lost], (100, 95)).xyxy.shape == (0, 4)


@pytest.fixture
def film(figures, tmp_path):
    """A film that shows one picture with people and animals in all frames."""
    picture = sorted((figures / 'mixed' / 'val').glob('*.jpg'))[1]
    image = cv2.resize(cv2.imread(str(picture)), (640, 480))
    return write_film(tmp_path / 'film.mp4', [k * 40 for k in range(5)], image=image)


def test_the_detector_runs_in_every_third_frame(film, predictor, monkeypatch):
    calls = []
    find = MmdetDetector.boxes
    monkeypatch.setattr(
        MmdetDetector,
        'boxes',
        lambda self, pictures, images: (
            calls.extend(p.frame for p in pictures) or find(self, pictures, images)
        ),
    )
    datasets = 'person=coco,animal=ap10k'
    results = list(predictor(film, figures_detector.FOLDER, dataset=datasets, detect_every=3))
    assert calls == [0, 3]
    first = Selection(stop=0.0)
    [every] = predictor(film, figures_detector.FOLDER, dataset=datasets, frames=first)
    clear = [each for each in every.instances if each.scores.mean() > 0.6]
    assert clear
    for result in results:
        for right in clear:
            assert min(distance(right, found) for found in result.instances) < 0.02


def test_a_resumed_film_has_the_same_boxes(film, predictor):
    prediction = predictor.prepare(film, 'whole', dataset='coco', detect_every=3)
    first, *others = prediction.settle(map(Item, prediction.sources))
    known = [Instance.from_dict(each.to_dict()) for each in first.instances]  # from a journal
    pictures = iter(prediction.sources)
    items = [Item(next(pictures), known), *map(Item, pictures)]
    for one, other in zip(list(prediction.settle(items))[1:], others, strict=True):
        np.testing.assert_array_equal(one.boxes.xyxy, other.boxes.xyxy)


def distance(one, other):
    """The median distance of visible keypoints, as a share of the longer side of the box."""
    if one.dataset != other.dataset:
        return np.inf
    distances = np.linalg.norm(one.keypoints - other.keypoints, axis=1)
    return np.median(distances[one.scores > 0.5]) / max(one.box[2:] - one.box[:2])


def test_wrong_numbers_are_refused(film, predictor):
    with pytest.raises(UserError, match=r'--detect-every is 0: give an integer of at least 1'):
        predictor.prepare(film, 'whole', detect_every=0)
