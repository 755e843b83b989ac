"""The distribution of the authors' noise; crops are compared in tests/golden."""

import numpy as np
import pytest
from scipy.stats import norm

from vitpose_plus.datasets import ClippedNormalBBoxTransform

N = 200_000


@pytest.mark.parametrize('given', [{}, dict(scale_factor=0.3, rotate_factor=90.0)])
def test_noise_is_a_normal_clipped_at_its_bounds(given):
    transform = ClippedNormalBBoxTransform(**given)
    factor, sigma = given.get('scale_factor', 0.5), given.get('rotate_factor', 40.0)
    offset, scale, angle = transform._get_transform_params(N)
    assert not offset.any()
    bound = (scale.min(), scale.max())
    assert bound == pytest.approx((1 - factor, 1 + factor))
    # A third of all boxes has an extreme size: the noise is beyond one sigma on either side.
    at_bounds = np.isclose(scale, 1 - factor) | np.isclose(scale, 1 + factor)
    assert at_bounds.mean() == pytest.approx(2 * norm.cdf(-1), abs=0.005)
    inside = np.abs(scale - 1) < 0.5 * factor
    assert inside.mean() == pytest.approx(1 - 2 * norm.cdf(-0.5), abs=0.005)
    assert (angle == 0).mean() == pytest.approx(0.4, abs=0.005)
    turned = angle[angle != 0]
    assert np.abs(turned).max() == pytest.approx(2 * sigma)
    assert np.isclose(np.abs(turned), 2 * sigma).mean() == pytest.approx(
        2 * norm.cdf(-2), abs=0.005
    )
    assert (np.abs(turned) < sigma).mean() == pytest.approx(1 - 2 * norm.cdf(-1), abs=0.005)
    assert np.corrcoef(scale[:, 0], angle)[0, 1] == pytest.approx(0, abs=0.01)


def test_a_box_keeps_its_centre_and_shape():
    results = dict(bbox_center=np.array([[5.0, 7.0]]), bbox_scale=np.array([[20.0, 40.0]]))
    changed = ClippedNormalBBoxTransform().transform(dict(results))
    assert np.array_equal(changed['bbox_center'], results['bbox_center'])
    ratio = changed['bbox_scale'] / results['bbox_scale']
    assert ratio[0, 0] == pytest.approx(ratio[0, 1])
    assert changed['bbox_rotation'].shape == (1,)
