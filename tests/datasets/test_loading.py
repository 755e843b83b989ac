"""Pictures that are kept for the next person are those that mmpose decodes for each person."""

import pickle
from functools import partial

import cv2
import numpy as np
import pytest
from mmengine.dataset import Compose
from mmpose.datasets.transforms import LoadImage
from mmpose.registry import TRANSFORMS

from vitpose_plus.datasets import LoadImageOnce


@pytest.fixture
def paths(tmp_path):
    """Two pictures of different sizes."""
    random = np.random.default_rng(0)
    paths = [str(tmp_path / name) for name in ('one.png', 'two.jpg')]
    for path, size in zip(paths, ((40, 30, 3), (20, 50, 3)), strict=True):
        cv2.imwrite(path, random.integers(256, size=size, dtype=np.uint8))
    return paths


@pytest.fixture
def decoded(monkeypatch):
    """The paths that are decoded, in their order."""
    found, original = [], LoadImage.transform

    def transform(self, results):
        found.append(results['img_path'])
        return original(self, results)

    monkeypatch.setattr(LoadImage, 'transform', transform)
    return found


def crops(load, people):
    """The samples of a test, one for each (path, box)."""
    transforms = dict(type='GetBBoxCenterScale'), dict(type='TopdownAffine', input_size=(24, 32))
    pipeline = Compose([load, *map(TRANSFORMS.build, transforms)])
    results = []
    for number, (path, box) in enumerate(people):
        results.append(pipeline(dict(img_path=path, id=number, bbox=np.array([box], np.float32))))
    return results


def test_samples_equal_those_of_mmpose_and_every_picture_is_decoded_once(paths, decoded):
    one, two = paths
    boxes = [(2, 3, 20, 30), (5, 1, 12, 38), (0, 0, 30, 40)]
    people = [(path, box) for path in (one, two, one) for box in boxes]
    expected = crops(LoadImage(), people)
    decoded.clear()
    found = crops(LoadImageOnce(), people)
    assert decoded == [one, two, one]
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.keys() == theirs.keys()
        for key, value in theirs.items():
            np.testing.assert_array_equal(ours[key], value)


def test_a_sample_cannot_change_the_picture_of_the_next_one(paths):
    load = LoadImageOnce()
    first = load.transform(dict(img_path=paths[0]))
    with pytest.raises(ValueError, match='read-only'):
        first['img'][:] = 0
    first['img_shape'] = None
    assert load.transform(dict(img_path=paths[0]))['img_shape'] == (40, 30)


def test_a_given_picture_is_used(paths):
    given = np.zeros((3, 4, 3), np.uint8)
    load = LoadImageOnce()
    load.transform(dict(img_path=paths[0]))
    assert load.transform(dict(img_path=paths[0], img=given))['img'] is given


def test_a_picture_that_cannot_be_read_is_named_every_time(paths, tmp_path):
    load = LoadImageOnce()
    load.transform(dict(img_path=paths[0]))
    missing = partial(load.transform, dict(img_path=str(tmp_path / 'missing.png')))
    for _ in range(2):
        with pytest.raises(Exception, match=r'occurs when loading .*missing\.png'):
            missing()
    assert load.transform(dict(img_path=paths[0]))['img'].shape == (40, 30, 3)


def test_workers_get_a_copy(paths):
    load = LoadImageOnce()
    load.transform(dict(img_path=paths[0]))
    again = pickle.loads(pickle.dumps(load)).transform(dict(img_path=paths[1]))
    assert again['img_shape'] == (20, 50)
