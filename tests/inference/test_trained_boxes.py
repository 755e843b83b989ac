"""The boxes with which a model was trained: the value of ``predict.boxes`` in its config."""

import pytest

from tests.helpers.demo import TINY
from tests.helpers.tiny_figures import FILE
from vitpose_plus.errors import UserError
from vitpose_plus.experiments.catalogue import find_config
from vitpose_plus.inference.predictor import PosePredictor
from vitpose_plus.inference.samples import ASTRONAUT


@pytest.fixture
def trained(tmp_path):
    """Makes a predictor for a value of ``predict.boxes``; its messages are in ``messages``."""

    def make(boxes):
        path = tmp_path / 'own.py'
        default = f'predict = dict(boxes={boxes!r}, dataset="coco")\n'
        path.write_text(f'_base_ = {find_config(TINY)!r}\n{default}')
        messages = []
        predictor = PosePredictor(path, FILE, device='cpu', on_message=messages.append)
        predictor.messages = messages
        return predictor

    return make


@pytest.mark.parametrize(
    ('boxes', 'named'),
    [('file', 'the boxes of its labels'), ('points', 'the boxes around its labelled points')],
)
def test_a_model_of_crops_needs_boxes(boxes, named, trained):
    predictor = trained(boxes)
    message = rf'own\.py was trained on crops of {named}, .* give --boxes \(a file of boxes, a det'
    with pytest.raises(UserError, match=message):
        predictor('picture_that_is_not_opened.jpg')
    given = {ASTRONAUT: [[20, 20, 200, 250]]}
    [result] = predictor(str(ASTRONAUT), given)
    assert len(result.instances) == 1
    assert predictor.messages == []


@pytest.mark.parametrize('given', ['whole', 'refine'])
def test_a_model_of_crops_warns_of_whole_pictures(given, trained):
    predictor = trained('points')
    [result] = predictor(str(ASTRONAUT), given)
    assert len(result.instances) == 1
    [message] = predictor.messages
    assert 'was trained on crops of the boxes around its labelled points, and not on' in message


def test_two_looks_can_be_the_default(trained):
    predictor = trained('refine')
    [result] = predictor(str(ASTRONAUT))
    [expected] = predictor(str(ASTRONAUT), 'refine')
    assert result.to_dict() == expected.to_dict()
    assert result.instances[0].box.tolist() != [0, 0, 256, 256]
    assert predictor.messages == []
    assert predictor.prepare(str(ASTRONAUT)).describe()['boxes'] == 'refine'
