"""Bottom-up models, which need no boxes."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from mmpose.registry import MODELS

from vitpose_plus.errors import UserError
from vitpose_plus.experiments.catalogue import find_config, read_config
from vitpose_plus.inference.predictor import PosePredictor

CONFIG = 'vitpose-bottomup-tiny_figures-128x128'


@pytest.fixture(scope='module')
def predictor(tmp_path_factory):
    """A predictor with random weights."""
    path = tmp_path_factory.mktemp('bottom_up') / 'random.pth'
    torch.manual_seed(0)
    init_default_scope('mmpose')
    torch.save(MODELS.build(read_config(find_config(CONFIG)).model).state_dict(), path)
    return PosePredictor(CONFIG, path, device='cpu')


def test_the_box_is_the_bounding_box_of_the_keypoints(predictor, people):
    results = list(predictor(people[0]))
    assert sum(len(result.instances) for result in results) > 0
    for result in results:
        for instance in result.instances:
            assert instance.keypoints.shape == (17, 2)
            points = instance.keypoints
            np.testing.assert_array_equal(instance.box, [*points.min(0), *points.max(0)])


def test_every_instance_can_start_a_track(predictor, people):
    """The score of an instance is the mean score of its keypoints, and may be low."""
    pytest.importorskip('trackers')
    [result] = predictor(next(people[0].glob('*.jpg')))
    frames = [
        replace(result, instances=list(map(replace, result.instances)), frame=k, time=k / 30)
        for k in range(3)
    ]
    for each in predictor.tracking()(iter(frames)):
        assert sorted(one.id for one in each.instances) == [*range(1, len(each.instances) + 1)]
        assert each.instances


def test_a_picture_that_is_too_narrow_does_not_stop_the_others(predictor):
    """The longer side of its input would have thousands of pixels."""
    failures = []
    images = [np.zeros((64, 64, 3), np.uint8), np.zeros((2, 900, 3), np.uint8)]
    results = list(predictor(images, on_failure=failures.append))
    assert [result.source for result in results] == ['array-0']
    assert failures[0].error == (
        'array-1: A picture of 900x2 pixels is too narrow for a bottom-up model: crop it, or use '
        'a top-down model.'
    )


@pytest.mark.parametrize('given', [dict(boxes='whole'), dict(annotations='boxes.json')])
def test_boxes_are_refused(predictor, given):
    with pytest.raises(UserError, match=r'is a bottom-up model, .* leave out --boxes and --ann'):
        predictor('photos', **given)
