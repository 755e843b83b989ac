"""Heatmaps in the picture: their maximum is at the predicted keypoint."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from mmpose.registry import KEYPOINT_CODECS

from tests.helpers import figures_detector
from tests.helpers.demo import TINY
from vitpose_plus.app.heatmaps import heat, overlay, placed, to_picture, with_heatmaps
from vitpose_plus.errors import UserError


@pytest.fixture(scope='module')
def predictor(service):
    """The predictor of the service."""
    return service._predictors.get(TINY, lambda: service._load(TINY))


@pytest.fixture(scope='module')
def result(service, predictor, mixed):
    """The instances of people and animals, with heatmaps."""
    boxes = service.boxing.open(str(figures_detector.FOLDER), 'a', predictor.device)
    with with_heatmaps(predictor):
        [result] = predictor(mixed, boxes, dataset='person=coco_wholebody,animal=ap10k')
    assert len(result.instances) > 2
    return result


def maximum(values):
    """x, y of the maximum."""
    y, x = np.unravel_index(values.argmax(), values.shape)
    return np.array([x, y])


def test_the_maximum_of_a_heatmap_is_at_its_keypoint(result):
    """Only clear peaks count: those that are a quarter higher than all values far from them."""
    size_wh = result.width, result.height
    apart = []
    for instance in result.instances:
        pixel = np.diag(instance.to_picture)  # of the heatmap, in pixels of the picture
        for heatmap, point in zip(instance.heatmaps, instance.keypoints, strict=True):
            values = placed(heatmap, instance.to_picture, size_wh)
            peak = maximum(values)
            highest = values.max()
            first, last = (peak - 5 * pixel).clip(0).astype(int), (peak + 5 * pixel).astype(int)
            values[first[1] : last[1], first[0] : last[0]] = 0
            if highest > 1.25 * values.max():
                apart.append((np.abs(peak - point) / pixel).max())
    assert len(apart) > 50
    assert max(apart) < 1


@pytest.mark.parametrize('codec', ['UDPHeatmap', 'MSRAHeatmap'])
def test_the_transform_is_the_inverse_of_codec_and_crop(codec):
    """A keypoint of the crop is encoded; the centre of mass in the picture is at its place."""
    sizes = dict(input_size=(192, 256), heatmap_size=(48, 64))
    codec = KEYPOINT_CODECS.build(dict(type=codec, sigma=2, **sizes))
    crop = np.array([192, 256])
    centre, scale = np.array([300, 250]), np.array([384, 512]) * 0.75
    heatmap_pixel = 4 * scale / crop
    for point in np.array([[20, 30], [96.0, 128.0], [150, 200]]):
        point = np.round(point / 4) * 4  # MSRA's heatmaps are rounded to pixels
        [heatmap] = codec.encode(point[None, None], np.ones((1, 1)))['heatmaps']
        matrix = to_picture((48, 64), codec, dict(input_center=centre, input_scale=scale))
        values = placed(heatmap, matrix, (700, 600))
        rows, columns = np.indices(values.shape)
        found = np.array([(columns * values).sum(), (rows * values).sum()]) / values.sum()
        expected = codec.decode(heatmap[None])[0][0, 0] / crop * scale + centre - scale / 2
        np.testing.assert_allclose(found, expected, atol=0.3 * heatmap_pixel.max())


def test_the_heat_of_parts_is_that_of_the_whole_picture(result):
    """Only the part of the picture around each crop is computed."""
    size_wh = result.width, result.height
    whole = [
        placed(heatmap, instance.to_picture, size_wh)
        for instance in result.instances
        for heatmap in instance.heatmaps
    ]
    found = heat(result.instances, size_wh)
    # The maximum of interpolated values is at most the interpolated maximum.
    assert (found >= np.max(whole, 0) - 1e-4).all()
    assert found.max() == pytest.approx(np.max(whole), abs=0.02)
    for instance in result.instances:
        full = placed(instance.heatmaps.max(0), instance.to_picture, size_wh)
        assert (found >= full - 1e-2).all()
    assert not heat([], size_wh).any()


def test_crops_outside_of_the_picture_are_left_out(result):
    [instance, *_] = result.instances
    offset = np.array([[0, 0, 5000], [0, 0, 0]])
    moved = replace(instance, to_picture=instance.to_picture + offset)
    assert not heat([moved], (result.width, result.height)).any()


def test_an_overlay_changes_only_the_places_of_high_values():
    image = np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8)
    values = np.zeros((40, 60), np.float32)
    np.testing.assert_array_equal(overlay(image, values), image)
    values[10, 20] = 1
    drawn = overlay(image, values)
    colour = cv2.applyColorMap(np.full((1, 1), 255, np.uint8), cv2.COLORMAP_TURBO)[0, 0]
    np.testing.assert_allclose(drawn[10, 20], 0.1 * image[10, 20] + 0.9 * colour, atol=1)
    drawn[10, 20] = image[10, 20]
    np.testing.assert_array_equal(drawn, image)


def test_the_settings_are_as_before_after_an_error(predictor):
    estimator = predictor.estimator
    with pytest.raises(UserError, match='missing'), with_heatmaps(predictor):
        predictor('missing.png', boxes='whole')
    assert predictor.estimator is estimator
    assert not predictor.model.network.test_cfg['output_heatmaps']
