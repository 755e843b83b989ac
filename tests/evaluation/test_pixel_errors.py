"""Errors in pixels: numbers computed by hand, and the laws between them."""

import numpy as np
import pytest
from mmpose.evaluation.functional import keypoint_epe

from vitpose_plus.errors import UserError
from vitpose_plus.evaluation.pixel_errors import ErrorSummary, pixel_errors

BOXES = np.array([[0, 0, 100, 50], [10, 20, 30, 220]])  # longer sides: 100, 200
LABELS = np.array([[[10, 10, 2], [50, 40, 1]], [[20, 30, 2], [7, 7, 0]]])
# Distances: 5 (3, 4), 13 (5, 12); 10 (6, 8), and one without a label.
PREDICTED = LABELS[..., :2] + np.array([[[3, 4], [-5, 12]], [[6, -8], [900, 900]]])


def test_numbers_computed_by_hand():
    errors = pixel_errors(PREDICTED, LABELS, BOXES)
    np.testing.assert_array_equal(errors.distances, [[5, 13], [10, np.nan]])
    np.testing.assert_allclose(errors.shares, [[0.05, 0.13], [0.05, np.nan]])
    first, second = errors.per_keypoint()
    assert (first.labels, first.mean_px, first.median_px) == (2, 7.5, 7.5)
    assert first.rmse_px == pytest.approx(62.5**0.5)  # (25 + 100) / 2
    assert (first.pck_5px, first.pck_10px) == (0.5, 1.0)
    assert (second.labels, second.mean_px, second.pck_10px) == (1, 13, 0)
    overall = errors.overall()
    assert (overall.labels, overall.median_px) == (3, 10)
    assert overall.mean_px == pytest.approx(28 / 3)
    assert overall.rmse_px == pytest.approx(98**0.5)  # (25 + 100 + 169) / 3
    assert overall.mean_share == pytest.approx(0.23 / 3)
    assert (overall.pck_5px, overall.pck_10px) == pytest.approx((1 / 3, 2 / 3))
    np.testing.assert_allclose(errors.per_instance(), [9, 10])


def test_keypoints_without_a_label_never_count():
    """Wherever they are predicted, and wherever the file puts them."""
    rng = np.random.default_rng(0)
    labels = np.concatenate([rng.uniform(0, 90, (6, 5, 2)), rng.integers(0, 3, (6, 5, 1))], -1)
    labels[3, :, 2] = labels[:, 2, 2] = 0
    predicted = labels[..., :2] + rng.normal(0, 6, (6, 5, 2))
    boxes = np.tile([0, 0, 80, 90], (6, 1))
    errors = pixel_errors(predicted, labels, boxes)
    missing = labels[..., 2] == 0
    predicted[missing], labels[missing, :2] = np.nan, 1e9
    changed = pixel_errors(predicted, labels, boxes)
    np.testing.assert_array_equal(errors.distances, changed.distances)
    assert errors.per_keypoint()[2] == ErrorSummary(0)
    assert np.isnan(errors.per_instance()[3])
    assert sum(each.labels for each in errors.per_keypoint()) == errors.overall().labels
    assert errors.overall().mean_px == pytest.approx(
        keypoint_epe(np.nan_to_num(predicted), labels[..., :2], ~missing), rel=1e-6
    )


def test_nothing_labelled():
    labels = LABELS * [1, 1, 0]
    assert pixel_errors(PREDICTED, labels, BOXES).overall() == ErrorSummary(0)


def test_what_cannot_be_compared():
    with pytest.raises(UserError, match='not a finite number'):
        pixel_errors(PREDICTED * np.nan, LABELS, BOXES)
    with pytest.raises(UserError, match='Box 1 has no width'):
        pixel_errors(PREDICTED, LABELS, BOXES * [[1], [0]])
