"""Decoding near a border: a Gaussian is decoded to its centre, wherever it is in the heatmap."""

import numpy as np
import pytest
import torch
from mmpose.registry import KEYPOINT_CODECS

from vitpose_plus.codecs.borders import refine_dark_continued
from vitpose_plus.codecs.heatmaps import find_peaks, refine_dark_udp

COUNT = 400
REACH = 6  # pixels around a peak that are read
SIZES = [(48, 64), (64, 64)]


def build(kind, wh):
    size = dict(input_size=tuple(4 * side for side in wh), heatmap_size=wh, sigma=2.0)
    return KEYPOINT_CODECS.build(dict(size, type=kind))


def near_borders(wh, low, high, both):
    """Points (COUNT, 2) that are ``low`` to ``high`` pixels from one border, or from a corner."""
    rng = np.random.default_rng(0)
    last = np.array(wh) - 1
    points = rng.uniform(REACH + 1, last - REACH - 1, (COUNT, 2))
    inside = rng.uniform(low, high, (COUNT, 2))
    near = np.where(rng.random((COUNT, 2)) < 0.5, inside, last - inside)
    axes = rng.integers(2, size=(COUNT, 1))
    return np.where(both | (np.arange(2) == axes), near, points)


def gaussians(points, wh, sigmas=(2.0, 2.0)):
    x, y = np.arange(wh[0]), np.arange(wh[1])
    along = [
        np.exp(-((line - points[:, axis, None]) ** 2) / (2 * sigma**2))
        for axis, (line, sigma) in enumerate(zip((x, y), sigmas, strict=True))
    ]
    return (along[1][:, :, None] * along[0][:, None]).astype(np.float32)


def decoded(kind, maps, wh):
    """Points (COUNT, 2) in heatmap pixels."""
    points = build(kind, wh).decode(maps)[0][0]
    return points / (4 * np.array(wh)) * (np.array(wh) - 1)


def errors(points, truth):
    return np.abs(points - truth).max(1)


@pytest.mark.parametrize('both', [False, True], ids=['border', 'corner'])
@pytest.mark.parametrize('wh', SIZES)
def test_targets_near_a_border_are_decoded_to_their_points(wh, both):
    """The authors' decoding and mmpose's have errors there (docs/decoding.md)."""
    codec = build('BorderExactUDPHeatmap', wh)
    truth = near_borders(wh, 0, 4, both)
    maps = codec.encode((truth * codec.scale_factor)[None])['heatmaps']
    ours, authors, mmposes = (
        errors(decoded(kind, maps, wh), truth)
        for kind in ('BorderExactUDPHeatmap', 'BatchedUDPHeatmap', 'UDPHeatmap')
    )
    assert np.median(authors) > 0.6
    assert np.median(mmposes) > 0.1
    assert ours.max() < 0.001  # measured: 0.00004


@pytest.mark.parametrize('sigmas', [(2.0, 2.0), (1.5, 1.5), (3.0, 3.0), (1.6, 2.4)])
def test_gaussians_of_other_widths_are_decoded_to_their_centres(sigmas):
    wh = SIZES[0]
    for low, high in ((0, 0.5), (0.5, 1.5), (1.5, 4), (-0.9, 0)):  # the last row is outside
        truth = near_borders(wh, low, high, both=False)
        points = decoded('BorderExactUDPHeatmap', gaussians(truth, wh, sigmas), wh)
        assert errors(points, truth).max() < 0.001


def test_a_centre_outside_is_decoded_at_most_two_pixels_outside():
    """Noise can have any slope at the border, so the fitted centre has a limit."""
    wh = SIZES[0]
    truth = near_borders(wh, -4, -2, both=False)
    outside = decoded('BorderExactUDPHeatmap', gaussians(truth, wh), wh)
    beyond = np.maximum(-outside, outside - np.array(wh) + 1).max(1)
    assert ((beyond > 0.9) & (beyond < 2)).all()


def test_noise_moves_a_point_near_a_border_as_far_as_any_other():
    wh, rng = SIZES[0], np.random.default_rng(0)
    noise = 0.02 * rng.normal(size=(COUNT, *wh[::-1])).astype(np.float32)
    median = []
    for low, high in ((0, 4), (REACH + 1, 12)):
        truth = near_borders(wh, low, high, both=False)
        points = decoded('BorderExactUDPHeatmap', gaussians(truth, wh) + noise, wh)
        median.append(np.median(errors(points, truth)))
    assert median[0] < 1.5 * median[1] < 0.1


def test_inside_the_points_are_those_of_the_authors():
    """Also those of maps that are not Gaussians. One row nearer to the border, they differ."""
    w, h = SIZES[0]
    heatmaps = torch.rand(1, 200, h, w, generator=torch.Generator().manual_seed(0))
    peaks, _ = find_peaks(heatmaps)
    apart = torch.minimum(peaks, torch.tensor([w, h]) - 1 - peaks).amin(-1)
    ours, theirs = refine_dark_continued(heatmaps, peaks), refine_dark_udp(heatmaps, peaks)
    assert torch.equal(ours[apart >= REACH], theirs[apart >= REACH])
    assert (ours != theirs).any(-1)[apart < REACH].all()
    assert (apart < REACH).sum() > 20
