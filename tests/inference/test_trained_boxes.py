"""The boxes with which a model was trained: the value of ``predict.boxes`` in its config."""

import pytest

from tests.helpers.demo import TINY
from tests.helpers.tiny_figures import FILE
from vitpose_plus.errors import UserError
from vitpose_plus.experiments.catalogue import find_config
from vitpose_plus.inference.boxes.given import ArrayBoxes
from vitpose_plus.inference.boxes.trained import trained_with
from vitpose_plus.inference.boxes.whole import FirstLook, WholePicture
from vitpose_plus.inference.predictor import PosePredictor
from vitpose_plus.inference.samples import ASTRONAUT

GIVEN = {str(ASTRONAUT): [[20, 20, 200, 250]]}


def trained(folder, boxes, messages):
    """A predictor whose config has this value of ``predict.boxes``."""
    path = folder / 'own.py'
    default = f'predict = dict(boxes={boxes!r}, dataset="coco")\n'
    path.write_text(f'_base_ = {find_config(TINY)!r}\n{default}')
    return PosePredictor(path, FILE, device='cpu', on_message=messages.append)


@pytest.mark.parametrize(
    ('boxes', 'named'),
    [('file', 'the boxes of its labels'), ('points', 'the boxes around its labelled points')],
)
def test_crops_of_labels_are_no_default(boxes, named):
    crops = trained_with(boxes)
    message = rf'^m was trained on crops of {named}, .*: give --boxes \(a file of boxes, a detect'
    with pytest.raises(UserError, match=message):
        crops.default('m')
    assert crops.warnings('m', ArrayBoxes(GIVEN)) == []
    for whole in (WholePicture(), FirstLook()):
        [warning] = crops.warnings('m', whole)
        assert f'm was trained on crops of {named}, and not on whole pictures' in warning


@pytest.mark.parametrize('boxes', ['whole', 'refine', 'rtmdet-m', 'boxes.csv'])
def test_all_other_boxes_are_a_default_without_warnings(boxes):
    assert trained_with(boxes).default('m') == boxes
    assert trained_with(boxes).warnings('m', WholePicture()) == []


def test_a_model_of_crops_needs_boxes_and_warns_of_whole_pictures(tmp_path):
    messages = []
    predictor = trained(tmp_path, 'points', messages)
    with pytest.raises(UserError, match=r'own\.py was trained on crops of .* give --boxes'):
        predictor('picture_that_is_not_opened.jpg')
    [_] = predictor(str(ASTRONAUT), GIVEN)
    assert messages == []
    for boxes in ('whole', 'refine'):
        [result] = predictor(str(ASTRONAUT), boxes)
        assert len(result.instances) == 1
    assert len(messages) == 2


def test_two_looks_can_be_the_default(tmp_path):
    messages = []
    predictor = trained(tmp_path, 'refine', messages)
    [result] = predictor(str(ASTRONAUT))
    [expected] = predictor(str(ASTRONAUT), 'refine')
    assert result.to_dict() == expected.to_dict()
    assert result.instances[0].box.tolist() != [0, 0, 256, 256]
    assert messages == []
    assert predictor.prepare(str(ASTRONAUT)).describe()['boxes'] == 'refine'
