"""The example of the first view, and what its button downloads."""

import cv2
import pytest

from tests.helpers.demo import TINY
from vitpose_plus.app.examples import button_text, example_of, licence_text
from vitpose_plus.app.requests import Request
from vitpose_plus.app.service import PoseService
from vitpose_plus.checkpoints.fetching import place
from vitpose_plus.checkpoints.released import RELEASED
from vitpose_plus.inference.boxes.detectors import DETECTORS
from vitpose_plus.inference.samples import ASTRONAUT

BASE = 'vitpose-plus-base'


@pytest.fixture(scope='module')
def opened():
    service = PoseService([BASE, 'vitpose-small'], device='cpu')
    yield service
    service.close()


@pytest.fixture
def released(opened, monkeypatch, tmp_path):
    """A service with released models, of which nothing is downloaded."""
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    return opened


def test_a_model_of_figures_has_a_figure_with_its_boxes(service):
    example = example_of(service, TINY)
    assert example.path.is_relative_to(service.root)
    assert example_of(service, TINY) == example
    answer = service.picture(example.path, Request(TINY, example.dataset, example.boxes))
    assert len(example.boxes) * 17 == len(answer.table)
    scores = [row[-1] for row in answer.table]
    assert sorted(scores)[len(scores) // 2] > 0.5  # the model finds the keypoints of a figure
    assert licence_text(service, TINY) == []


def test_other_models_have_a_photograph(released):
    example = example_of(released, BASE)
    assert example == (ASTRONAUT, 'coco', 'rtmdet-m', 'a photograph')
    assert cv2.imread(str(example.path)).shape == (256, 256, 3)


def test_the_button_states_what_is_not_downloaded_yet(released):
    assert button_text(released, BASE, 'rtmdet-m', 'Predict') == (
        'Predict (downloads the weights vitpose-plus-base, 586 MB, licence of the '
        'code: Apache-2.0, flags of the weights: nc-wholebody, nc-mae and the detector rtmdet-m, '
        '110 MB, Apache-2.0, trained on COCO and Objects365)'
    )
    assert button_text(released, 'vitpose-small', 'rtmdet-m', 'Predict').startswith(
        'Predict (downloads the weights vitpose-small, of unknown size, licence of '
        'the code: Apache-2.0, flags of the weights: none and the detector rtmdet-m, 110 MB'
    )
    for url, text in (
        (RELEASED[BASE].url, '(downloads the detector rtmdet-m, 110 MB, Apache-2.0, trained on'),
        (DETECTORS['rtmdet-m'].url, 'Predict (no download)'),
    ):
        place(url).parent.mkdir(parents=True)
        place(url).touch()
        assert text in button_text(released, BASE, 'rtmdet-m', 'Predict')
    assert [line.split(':')[0] for line in licence_text(released, BASE)] == [
        'nc-wholebody',
        'nc-mae',
    ]
