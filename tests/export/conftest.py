"""Models that several tests export."""

import pytest

from tests.helpers.demo import TINY
from tests.helpers.export_models import random_model
from tests.helpers.tiny_figures import FILE
from vitpose_plus.export.exporting import fold
from vitpose_plus.inference.models import load


@pytest.fixture(scope='package')
def plain(tmp_path_factory):
    """A plain model with random weights."""
    return random_model(tmp_path_factory.mktemp('plain'))


@pytest.fixture(scope='package')
def trained():
    """The demo's trained model of six datasets."""
    return load(TINY, str(FILE))


@pytest.fixture(scope='package')
def trained_coco(trained):
    """The plain model of the dataset coco in the demo's trained model."""
    return fold(trained, 'coco')
