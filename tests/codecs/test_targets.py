"""The targets of all keypoints at once are bit for bit those that mmpose makes one by one."""

import numpy as np
import pytest
from mmpose.registry import KEYPOINT_CODECS

from vitpose_plus.errors import UserError

W, H = 24, 32
KINDS = {
    'BatchedUDPHeatmap': 'UDPHeatmap',
    'BorderExactUDPHeatmap': 'UDPHeatmap',
    'BatchedMSRAHeatmap': 'MSRAHeatmap',
}
ENDLESS = [np.nan, np.inf, -np.inf, 1e30, -1e18]


def build(kind, sigma=2.0, wh=(W, H)):
    sizes = dict(input_size=(4 * wh[0], 4 * wh[1]), heatmap_size=wh)
    return KEYPOINT_CODECS.build(dict(sizes, type=kind, sigma=sigma))


def random_points(count, dtype=np.float32):
    """Points (1, count, 2) in crop pixels inside, at the border and far outside; half are whole."""
    points = np.random.default_rng(0).uniform(-60, 190, (1, count, 2))
    points[:, ::2] = points[:, ::2].round()
    return points.astype(dtype)


def assert_equal_to_mmpose(kind, sigma, wh, points, visible):
    ours, theirs = (build(each, sigma, wh).encode(points, visible) for each in (kind, KINDS[kind]))
    assert ours.keys() == theirs.keys()
    for key, value in theirs.items():
        assert ours[key].dtype == value.dtype
        np.testing.assert_array_equal(ours[key], value)
    return ours


@pytest.mark.parametrize('wh', [(W, H), (H, W), (4, 5)])
@pytest.mark.parametrize('sigma', [2, 2.0, 1.5, 3.0, 0.7])
@pytest.mark.parametrize('kind', KINDS)
def test_every_sigma_and_size_equals_mmpose(kind, sigma, wh):
    targets = assert_equal_to_mmpose(kind, sigma, wh, random_points(133), None)
    drawn = targets['keypoint_weights'][0] > 0
    assert 0 < drawn.sum() < 133
    assert not targets['heatmaps'][~drawn].any()


@pytest.mark.parametrize('dtype', [np.float32, np.float64])
@pytest.mark.parametrize('kind', KINDS)
def test_every_visibility_equals_mmpose(kind, dtype):
    visible = np.resize([0, 1, 2, 0.3, 0.5, np.nan], (1, 133))
    for each in (visible.astype(dtype), visible > 0.5):
        assert_equal_to_mmpose(kind, 2.0, (W, H), random_points(133, dtype), each)


@pytest.mark.filterwarnings('ignore:invalid value encountered')  # mmpose warns; we do not
@pytest.mark.parametrize('kind', KINDS)
def test_points_without_a_place_equal_mmpose(kind):
    points = random_points(15)
    points[0, :5, 0], points[0, 5:10, 1] = ENDLESS, ENDLESS
    targets = assert_equal_to_mmpose(kind, 2.0, (W, H), points, np.ones((1, 15), np.float32))
    assert not targets['heatmaps'][:10].any()
    assert not targets['keypoint_weights'][0, :10].any()


@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize('kind', KINDS)
def test_nothing_changes_the_input_or_warns(kind):
    points, visible = random_points(17), np.ones((1, 17), np.float32)
    points[0, 0] = np.nan
    before = points.copy(), visible.copy()
    build(kind).encode(points, visible)
    np.testing.assert_array_equal(points, before[0])
    np.testing.assert_array_equal(visible, before[1])


@pytest.mark.parametrize('kind', KINDS)
def test_no_keypoint_is_labelled(kind):
    targets = assert_equal_to_mmpose(kind, 2.0, (W, H), random_points(3), np.zeros((1, 3)))
    assert not targets['heatmaps'].any()


@pytest.mark.parametrize('kind', KINDS)
def test_two_people_in_one_crop_are_refused(kind):
    with pytest.raises(UserError, match=f'{kind} encodes .* one crop, but keypoints has 2 people'):
        build(kind).encode(np.zeros((2, 17, 2), np.float32))
