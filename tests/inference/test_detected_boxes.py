"""The results in docs/predict.md for detected boxes, and for people and animals in one pass."""

import pytest

from benchmarks.predict import report
from tests.helpers import figures_detector
from tests.helpers.demo import TINY
from tests.helpers.tiny_figures import FILE


@pytest.mark.slow
def test_detected_boxes_and_mixed_pictures_lower_the_score_only_a_little(tmp_path):
    """Takes a minute: ``pytest -m slow tests/inference/test_detected_boxes.py``."""
    rows = report(
        tmp_path, str(figures_detector.FOLDER), ['--model', TINY, '--checkpoint', str(FILE)]
    )
    for label in ('person', 'animal'):
        found = rows['detected boxes'][label]
        assert found >= 0.9 * rows['true boxes'][label]
        assert found >= 0.98 * rows[f'detected boxes, {label} alone'][label]
