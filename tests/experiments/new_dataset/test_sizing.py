"""The sizes of a training: bounds that hold for any labels and machine."""

import ast

import numpy as np
import pytest

from vitpose_plus.experiments.new_dataset.sizing import (
    InitialWeights,
    Machine,
    Sized,
    rotation,
    shape,
    size_training,
)
from vitpose_plus.experiments.new_dataset.texts import Keypoints, config_text, entry_text

CPU, GPU = Machine(2), Machine(16, has_gpu=True)
TINY, BASE = InitialWeights('a.pth', 'tiny', 'coco'), InitialWeights('vitpose-base', 'base')


def values(number, start=None, machine=CPU, parts=1):
    boxes = np.full((number, 2), [160.0, 120.0])
    sized = size_training(boxes, 192 * 192, parts, start, machine)
    assert all(each.reason for each in sized.values())
    return {key: each.value for key, each in sized.items()}


@pytest.mark.parametrize('start', [None, TINY, BASE])
@pytest.mark.parametrize('number', [2, 10, 95, 500, 20_000])
@pytest.mark.parametrize('machine', [CPU, GPU])
def test_the_learning_rate_reaches_its_value(number, start, machine):
    """The walk of docs/own_keypoints.md began with a warm-up longer than the training."""
    sized = values(number, start, machine)
    passes = sized['epochs'] * sized['repeats']
    steps = -(-number * sized['repeats'] // sized['batch_size']) * sized['epochs']
    assert sized['batch_size'] <= number
    assert sized['warm_up'] <= steps / 10
    assert steps >= 0.9 * (400 if start else 1100)
    assert passes >= 9
    assert 10 <= sized['epochs'] <= 40
    assert sized['workers'] < machine.cores


def test_two_looks_take_longer_than_one():
    one, two = (values(96, parts=parts) for parts in (1, 2))
    longer = two['repeats'] * two['epochs'] / (one['repeats'] * one['epochs'])
    assert longer == pytest.approx(7 / 6, rel=0.1)


def test_initial_weights_are_named():
    sized = values(50, TINY)
    assert (sized['pretrained'], sized['expert'], sized['arch']) == ('a.pth', 'coco', 'tiny')
    assert 'expert' not in values(50, BASE)
    assert 'pretrained' not in values(50)


@pytest.mark.parametrize(
    ('wh', 'expected'),
    [((100, 100), (192, 192)), ((640, 480), (160, 224)), ((480, 640), (224, 160))],
)
def test_the_input_has_the_shape_of_the_boxes(wh, expected):
    assert shape(*wh, 192 * 192) == expected


@pytest.mark.parametrize('wh', [(1, 1000), (1000, 1), (3, 5)])
def test_any_box_gives_whole_tokens_and_about_the_same_number_of_pixels(wh):
    h, w = shape(*wh, 192 * 192)
    assert h % 32 == w % 32 == 0
    assert 0.7 < h * w / 192**2 < 1.3


def test_rotations_follow_the_labels():
    assert rotation(170).value == 180
    assert rotation(10).value == 30


def test_any_name_of_a_keypoint_gives_valid_python():
    names = ("l'oeil", 'a "b"', 'x{0}', '左耳', 'back\\slash')
    keypoints = Keypoints(names, {names[0]: names[1], names[1]: names[0]}, '', ((0, 2),), 0.05)
    text = entry_text(
        'fly', keypoints, 'points', 'boxes', 1.1, dict(RandomFlip=Sized(None, 'no')), "/d'x"
    )
    scope = {}
    exec(compile(ast.parse(text), 'dataset.py', 'exec'), scope)
    info = scope['fly']['train']['metainfo']
    assert tuple(info['keypoint_info'][i]['name'] for i in range(5)) == names
    assert info['keypoint_info'][0]['swap'] == names[1]
    assert info['skeleton_info'] == {0: dict(link=(names[0], names[2]), id=0)}
    assert scope['fly']['train']['data_prefix'] == dict(img="/d'x")
    ast.parse(config_text('fly', dict(input_hw=Sized((1, 2), 'why'))))
