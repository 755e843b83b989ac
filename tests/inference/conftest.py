"""Fixtures of the tests of inference: a trained tiny ViTPose+, pictures and annotations."""

import json
from pathlib import Path

import pytest

from tests.helpers.demo import TINY
from tests.helpers.tiny_figures import FILE
from vitpose_plus.inference.predictor import PosePredictor


@pytest.fixture(scope='session')
def predictor():
    """The demo's trained model with flip test, as in the command ``test``."""
    return PosePredictor(TINY, FILE, device='cpu', flip_test=True)


@pytest.fixture
def people(figures):
    """The pictures of the synthetic COCO, and the file of their annotations."""
    return (
        figures / 'coco' / 'val2017',
        figures / 'coco' / 'annotations' / 'person_keypoints_val2017.json',
    )


def lines_of(folder):
    """The lines of the predictions in a folder."""
    return [json.loads(line) for line in Path(folder, 'predictions.ndjson').open()]
