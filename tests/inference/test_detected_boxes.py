"""What docs/predict.md reports of detected boxes, and of people and animals in one pass."""

import pytest

from benchmarks.predict import report
from tests.helpers import figures_detector
from tests.helpers.demo import TINY
from tests.helpers.tiny_figures import FILE


@pytest.mark.slow
def test_detected_boxes_and_mixed_pictures_cost_little(tmp_path):
    """A minute: ``pytest -m slow tests/inference/test_detected_boxes.py``."""
    rows = report(
        tmp_path, str(figures_detector.FOLDER), ['--model', TINY, '--checkpoint', str(FILE)]
    )
    for label in ('person', 'animal'):
        found = rows['detected boxes'][label]
        assert found >= 0.9 * rows['true boxes'][label]
        assert found >= 0.98 * rows[f'detected boxes, {label} alone'][label]
