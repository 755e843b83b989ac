"""Decoding of a batch: equal to mmpose inside, to the authors' code at the border, no NaN."""

import cv2
import numpy as np
import pytest
import torch
from mmpose.registry import KEYPOINT_CODECS

from tests.helpers.timing import ratio_of_times
from vitpose_plus.codecs.blurring import log_blurred
from vitpose_plus.codecs.borders import refine_dark_continued
from vitpose_plus.codecs.heatmaps import (
    EPS,
    find_peaks,
    newton_step,
    refine_dark_udp,
    shift_by_quarter,
)

W, H = 48, 64
SIZE = dict(input_size=(4 * W, 4 * H), heatmap_size=(W, H), sigma=2.0)
KINDS = {
    'BatchedUDPHeatmap': 'UDPHeatmap',
    'BorderExactUDPHeatmap': 'UDPHeatmap',
    'BatchedMSRAHeatmap': 'MSRAHeatmap',
}
REFINEMENTS = (refine_dark_udp, refine_dark_continued, shift_by_quarter)
REACH = 6  # of blur and step, in pixels: further inside, the border has no effect


def build(kind):
    return KEYPOINT_CODECS.build(dict(SIZE, type=kind))


def uniform(margin, count, seed=0):
    """Points (count, 2) in heatmap pixels at least ``margin`` from every border."""
    low, high = np.full(2, margin), np.array([W, H]) - 1 - margin
    return np.random.default_rng(seed).uniform(low, high, (count, 2)).astype(np.float32)


def gaussians(points):
    """Heatmaps (count, H, W) with sigma 2, a lower second peak and a little noise."""
    y, x = np.mgrid[:H, :W]
    rng = np.random.default_rng(1)

    def peak(p):
        return np.exp(-((x - p[:, :1, None]) ** 2 + (y - p[:, 1:, None]) ** 2) / 8)

    noise = 0.01 * rng.random((len(points), H, W))
    return (0.8 * peak(points) + 0.2 * peak(uniform(0, len(points), 2)) + noise).astype(np.float32)


def far_from_border(points):
    peaks = np.rint(points)
    return ((peaks >= REACH) & (peaks <= np.array([W, H]) - 1 - REACH)).all(1)


@pytest.mark.parametrize('kind', KINDS)
def test_points_inside_are_decoded_as_by_mmpose(kind):
    maps = gaussians(uniform(REACH + 1, 200))
    points, scores = build(kind).decode(maps)
    theirs, their_scores = build(KINDS[kind]).decode(maps)
    np.testing.assert_allclose(points, theirs, atol=1e-3)
    np.testing.assert_array_equal(scores, their_scores)


def test_dark_differs_only_at_the_border():
    points = uniform(0, 1000)
    maps = gaussians(points)
    ours = build('BatchedUDPHeatmap').decode(maps)[0][0]
    theirs = build('UDPHeatmap').decode(maps)[0][0]
    apart = np.abs(ours - theirs).max(1) / 4  # heatmap pixels
    inside = far_from_border(points)
    assert apart[inside].max() < 1e-3
    assert 1 < apart[~inside].max() < 4


@pytest.mark.parametrize('axis', ['x', 'y'])
def test_a_quarter_shift_needs_both_axes_inside(axis):
    """Near a border, mmpose still moves a peak along the border; the authors' code does not."""
    across = W if axis == 'x' else H  # the axis on which a peak may be near the border
    places = [1, 2, across - 2, across - 1]
    maps = np.zeros((4, H, W) if axis == 'y' else (4, W, H), np.float32)
    for heatmap, place in zip(maps, places, strict=True):
        heatmap[place, 20:22] = 1, 0.5
    maps = maps if axis == 'y' else maps.swapaxes(1, 2).copy()
    along = 0 if axis == 'y' else 1
    ours = build('BatchedMSRAHeatmap').decode(maps)[0][0]
    theirs = build('MSRAHeatmap').decode(maps)[0][0]
    np.testing.assert_array_equal(ours[:, along], [80, 81, 81, 80])
    np.testing.assert_array_equal(theirs[:, along], 81)
    np.testing.assert_array_equal(ours[:, 1 - along], 4 * np.array(places))


@pytest.mark.parametrize('value', [0.0, -0.5])
@pytest.mark.parametrize('kind', KINDS)
def test_an_empty_map_gives_a_finite_point_outside_the_crop(kind, value):
    """Other maps have no effect; the authors' code reads values of the map before."""
    maps = gaussians(uniform(0, 3))
    maps[1] = value
    points, scores = build(kind).decode(maps)
    assert np.isfinite(points).all()
    assert (points[0, 1] < 0).all()
    assert scores[0, 1] == value
    peaks, _ = find_peaks(torch.from_numpy(maps)[None])
    np.testing.assert_array_equal(peaks[0, 1], [-1, -1])


@pytest.mark.parametrize('hw', [(64, 48), (56, 56), (17, 13), (4, 3), (1, 1)])
def test_a_peak_is_the_first_maximum(hw):
    """Found block by block, it is the one that torch finds among all pixels: also among equals."""
    generator = torch.Generator().manual_seed(0)
    maps = torch.randint(1, 6, (9, 7, *hw), generator=generator).float()
    maps[0] *= -1
    maps[1] = torch.rand(7, *hw, generator=generator)
    maps[2, 0, hw[0] // 2, hw[1] // 3] = torch.nan
    expected, index = maps.flatten(-2).max(-1)
    peaks, scores = find_peaks(maps)
    torch.testing.assert_close(scores, expected, rtol=0, atol=0, equal_nan=True)
    some = scores > 0
    places = peaks[..., 1] * hw[1] + peaks[..., 0]
    assert torch.equal(places[some], index[some].float())
    assert (peaks[~some] == -1).all()


@pytest.mark.parametrize('size', [3, 7, 11, 17])
def test_the_blur_is_the_sum_of_all_products(size):
    window = torch.from_numpy(np.random.default_rng(0).random((5, 7, size + 2, size + 2)))
    kernel = torch.from_numpy(cv2.getGaussianKernel(size, 0)[:, 0])
    windows = window.unfold(-2, size, 1).unfold(-2, size, 1)  # (5, 7, 3, 3, size, size)
    expected = torch.einsum('bkxyij,i,j->bkxy', windows, kernel, kernel)
    found = log_blurred(window.float(), size)
    torch.testing.assert_close(found.exp(), expected.float(), rtol=1e-6, atol=0)
    single = torch.stack([log_blurred(part, size) for part in window.float()])
    assert torch.equal(found, single)  # the order of the sum does not depend on the batch


def test_constant_and_tiny_maps_give_finite_points():
    for shape in ((1, 2, H, W), (1, 2, 4, 3), (2, 1, 1, 1)):
        heatmaps = torch.full(shape, 0.5)
        peaks, scores = find_peaks(heatmaps)
        assert (peaks == 0).all()
        assert (scores == 0.5).all()
        for refine in REFINEMENTS:
            assert refine(heatmaps, peaks).isfinite().all()


def test_a_singular_hessian_gives_a_step_of_zero():
    around = torch.zeros(3, 3)
    around[1, 2] = around[2, 2] = -EPS  # with EPS added the curvature in x is exactly 0
    assert torch.equal(newton_step(around[None, None]), torch.zeros(1, 1, 2))


def test_a_ridge_moves_the_peak_only_across_it():
    heatmaps = torch.from_numpy(gaussians(np.array([[20.3, 30.0]])))[None]
    heatmaps = heatmaps[..., 30:31, :].expand(-1, -1, H, -1)
    peaks, _ = find_peaks(heatmaps)
    [[point]] = refine_dark_udp(heatmaps, peaks)
    assert point[0] == pytest.approx(20.3, abs=0.05)
    assert point[1] == 0


@pytest.mark.parametrize(
    ('factor', 'moved'), [(1, True), (0.005, True), (5e-4, False), (1e4, False)]
)
def test_values_are_clipped_before_the_logarithm(factor, moved):
    """To 0.001 ... 50, after a blur that halves a peak. If the map is flat then, nothing moves."""
    heatmaps = factor * torch.from_numpy(gaussians(np.array([[20.3, 30.3]])))[None]
    peaks, _ = find_peaks(heatmaps)
    points = refine_dark_udp(heatmaps, peaks)
    assert ((points - peaks).abs() > 0.2).all() == moved
    assert torch.equal(points, peaks) != moved


@pytest.mark.parametrize('count', [1, 17, 133])
@pytest.mark.parametrize('kind', KINDS)
def test_a_batch_equals_single_pictures(kind, count):
    codec = build(kind)
    maps = gaussians(uniform(0, 3 * count)).reshape(3, count, H, W)
    points, scores = codec.batch_decode(torch.from_numpy(maps))
    assert codec.support_batch_decoding
    assert len(points) == len(scores) == 3
    for i in range(3):
        assert points[i].shape == (1, count, 2)
        assert scores[i].shape == (1, count)
        assert points[i].dtype == scores[i].dtype == np.float32
        alone, alone_scores = codec.decode(maps[i])
        np.testing.assert_allclose(points[i], alone, atol=1e-3)  # pixels
        np.testing.assert_array_equal(scores[i], alone_scores)


def test_a_batch_takes_less_time_than_single_pictures():
    """Measured on one core: a seventh."""
    codec = build('BatchedUDPHeatmap')
    maps = torch.from_numpy(gaussians(uniform(0, 64 * 17)).reshape(64, 17, H, W))

    def one_by_one():
        for single in maps.numpy():
            codec.decode(single)

    assert ratio_of_times(one_by_one, lambda: codec.batch_decode(maps)) > 2


@pytest.mark.parametrize('count', [17, 133])
def test_a_batch_takes_less_time_than_mmpose_needs(count):
    """Measured for a batch of 64, by benchmarks/decoding.py: a tenth."""
    ours, theirs = (build(kind) for kind in ('BatchedUDPHeatmap', 'UDPHeatmap'))
    maps = torch.from_numpy(gaussians(uniform(0, 4 * 133)))[: 532 // count * count]
    maps = maps.unflatten(0, (-1, count))

    def by_mmpose():
        for single in maps.numpy():
            theirs.decode(single)

    assert ratio_of_times(by_mmpose, lambda: ours.batch_decode(maps), 3) > 4


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16, torch.float64])
@pytest.mark.parametrize('kind', KINDS)
def test_every_precision_is_decoded_in_float32(kind, dtype):
    codec = build(kind)
    heatmaps = torch.from_numpy(gaussians(uniform(0, 17))[None]).to(dtype)
    expected = codec.batch_decode(heatmaps.float())
    with torch.autocast('cpu', torch.bfloat16):
        points, scores = codec.batch_decode(heatmaps)
    assert points[0].dtype == scores[0].dtype == np.float32
    np.testing.assert_array_equal(points, expected[0])
    np.testing.assert_array_equal(scores, expected[1])


@pytest.mark.parametrize('whole', [True, False])
def test_udp_targets_are_decoded_to_their_joints(whole):
    """In crop pixels. In mmpose, the width in decoding is one pixel larger than in encoding."""
    codec = build('BatchedUDPHeatmap')
    points = uniform(REACH + 1, 133)
    points = np.rint(points) if whole else points
    joints = points * codec.scale_factor
    decoded, scores = codec.decode(codec.encode(joints[None])['heatmaps'])
    scale = np.array(codec.input_size) / (np.array(codec.input_size) - 1)
    np.testing.assert_allclose(decoded[0], joints * scale, atol=0.004)
    assert (scores > 0.8).all()


def test_plain_targets_are_decoded_to_the_nearest_heatmap_pixel():
    codec = build('BatchedMSRAHeatmap')
    points = uniform(REACH + 1, 133)
    decoded, scores = codec.decode(codec.encode(4 * points[None])['heatmaps'])
    np.testing.assert_array_equal(decoded[0], 4 * np.floor(points + 0.5))
    np.testing.assert_array_equal(scores, 1)


@pytest.mark.parametrize('kind', KINDS)
def test_encoding_equals_mmpose(kind):
    joints = 4 * uniform(-5, 17)[None]
    visible = (np.arange(17) % 4 > 0).astype(np.float32)[None]
    ours, theirs = (build(k).encode(joints, visible) for k in (kind, KINDS[kind]))
    assert ours.keys() == theirs.keys()
    for key, value in theirs.items():
        np.testing.assert_array_equal(ours[key], value)


@pytest.mark.parametrize(
    'kind',
    [
        'BatchedUDPHeatmap',
        'BatchedMSRAHeatmap',
        pytest.param('BorderExactUDPHeatmap', marks=pytest.mark.slow),
    ],
)
def test_decoding_is_exported_for_any_batch_size(kind):
    codec = build(kind)

    class Decoding(torch.nn.Module):
        def forward(self, heatmaps):
            return codec.locate(heatmaps)

    batch = torch.export.Dim('batch', min=1, max=64)
    maps = torch.from_numpy(gaussians(uniform(0, 5 * 17))).unflatten(0, (5, 17))
    program = torch.export.export(Decoding(), (maps[:2],), dynamic_shapes=[{0: batch}])
    (points, scores), (expected, expected_scores) = program.module()(maps), codec.locate(maps)
    torch.testing.assert_close(points, expected, rtol=0, atol=1e-3)  # pixels
    assert torch.equal(scores, expected_scores)


def test_functions_stay_on_the_device():
    heatmaps = torch.zeros(2, 17, H, W, device='meta')
    peaks, scores = find_peaks(heatmaps)
    points = [refine(heatmaps, peaks) for refine in REFINEMENTS]
    located = [build(kind).locate(heatmaps)[0] for kind in KINDS]
    assert {t.device.type for t in (peaks, scores, *points, *located)} == {'meta'}
    assert all(p.shape == (2, 17, 2) for p in (*points, *located))


@pytest.mark.gpu
@pytest.mark.parametrize('kind', KINDS)
def test_cuda_agrees_with_the_cpu(kind):
    codec = build(kind)
    heatmaps = torch.from_numpy(gaussians(uniform(0, 133)).reshape(7, 19, H, W))
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    with torch.autocast('cuda', torch.float16):
        points, scores = codec.batch_decode(heatmaps.cuda())
    expected, expected_scores = codec.batch_decode(heatmaps)
    np.testing.assert_allclose(points, expected, atol=1e-3)
    np.testing.assert_array_equal(scores, expected_scores)
