"""Fixtures of the tests of the page: services with the demo's trained tiny model."""

import pytest

from tests.helpers import figures_detector
from tests.helpers.demo import TINY
from tests.helpers.tiny_figures import FILE
from vitpose_plus.app.limits import Limits
from vitpose_plus.app.service import PoseService

LIMITS = Limits(upload_megabytes=1, picture_megapixels=0.5, film_seconds=2, film_frames=40, boxes=3)


@pytest.fixture(scope='session')
def service():
    """A service with one model, a small detector and small limits."""
    detectors = [str(figures_detector.FOLDER)]
    service = PoseService([TINY], {TINY: FILE}, detectors=detectors, device='cpu', limits=LIMITS)
    yield service
    service.close()


@pytest.fixture(scope='session')
def mixed(figures):
    """A synthetic picture of people and animals."""
    return sorted((figures / 'mixed' / 'val').iterdir())[0]
