"""The results in docs/predict.md for tracks on synthetic films."""

import numpy as np
import pytest

pytest.importorskip('av')
pytest.importorskip('trackers')

from benchmarks.films import report
from tests.helpers import figures_detector
from tests.helpers.demo import TINY
from tests.helpers.tiny_figures import FILE
from vitpose_plus import PosePredictor


@pytest.mark.slow
def test_tracks_agree_with_the_true_ids(tmp_path):
    """Takes two minutes: ``pytest -m slow tests/inference/test_tracked_films.py``."""
    predictor = PosePredictor(TINY, FILE, device='cpu')
    rows = report(tmp_path, predictor, str(figures_detector.FOLDER), films=3, seconds=8, seed=7)
    assert np.mean(rows['true boxes']['IDF1']) >= 0.95
    assert np.mean(rows['detected boxes']['IDF1']) >= 0.8
    assert np.mean(rows['detected boxes']['bound']) >= 0.9
