"""Our decoding and flipping of heatmaps gives the authors' results: F_decode_flip, F_mpii."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.structures import InstanceData
from mmpose.models.pose_estimators import TopdownPoseEstimator
from mmpose.models.utils.tta import flip_heatmaps
from mmpose.registry import KEYPOINT_CODECS
from mmpose.structures import PoseDataSample

from vitpose_plus.codecs.heatmaps import find_peaks, refine_dark_udp

CROPS = Config.fromfile(Path(__file__).parents[2] / 'configs/_base_/crops.py').crops


@pytest.fixture(scope='module')
def case(golden):
    return golden('F_decode_flip.npz')


def decode(kind, arrays, **options):
    """Points in image pixels (B, K, 2) and scores (B, K), by the codec of a crop of our configs.

    The crop's size cancels out; the heatmaps' own size is the codec's.
    """
    h, w = arrays['heatmaps'].shape[-2:]
    size = dict(input_size=(4 * w, 4 * h), heatmap_size=(w, h), sigma=2.0)
    codec = KEYPOINT_CODECS.build(CROPS[kind]['codec'] | size | options)
    decoded = codec.batch_decode(torch.from_numpy(arrays['heatmaps']))
    samples = to_image(
        zip(*decoded, strict=True), arrays['center'], arrays['scale'], (4 * w, 4 * h)
    )
    found = [sample.pred_instances for sample in samples]
    return (
        np.concatenate([instances.keypoints for instances in found]),
        np.concatenate([instances.keypoint_scores for instances in found]),
    )


def to_image(decoded, centers, scales, input_size):
    """mmpose's way back from the crop; its scale is the box in pixels, not in units of 200."""
    samples = []
    for center, scale in zip(centers, scales, strict=True):
        box = dict(input_center=center, input_scale=scale * 200, input_size=input_size)
        truth = InstanceData(bboxes=np.zeros((1, 4)), bbox_scores=np.ones(1))
        samples.append(PoseDataSample(metainfo=box, gt_instances=truth))
    predicted = [InstanceData(keypoints=p, keypoint_scores=s) for p, s in decoded]
    model = SimpleNamespace(test_cfg={})
    return TopdownPoseEstimator.add_pred_to_datasample(model, predicted, None, samples)


def test_peaks(case):
    arrays, _ = case
    peaks, scores = find_peaks(torch.from_numpy(arrays['heatmaps']))
    np.testing.assert_array_equal(peaks, arrays['argmax_xy'])
    for kind in ('udp', 'noudp_default'):
        np.testing.assert_array_equal(scores[..., None], arrays[f'{kind}/maxvals'])


def test_dark_in_heatmap_pixels(case):
    """Compared where the authors' result is stable; this includes peaks at the border."""
    arrays, meta = case
    heatmaps = torch.from_numpy(arrays['heatmaps'])
    peaks = torch.from_numpy(arrays['argmax_xy'])
    points = refine_dark_udp(heatmaps, peaks, meta['kernel']).numpy()
    stable = arrays['udp/stable']
    assert stable.any()
    np.testing.assert_allclose(points[stable], arrays['udp/heatmap_xy'][stable], atol=0.005)


def test_udp_in_image_pixels(case):
    arrays, meta = case
    points, scores = decode('udp', arrays, blur_kernel_size=meta['kernel'])
    stable = arrays['udp/stable']
    np.testing.assert_allclose(points[stable], arrays['udp/preds'][stable], atol=0.05)
    np.testing.assert_array_equal(scores[..., None], arrays['udp/maxvals'])
    assert np.isfinite(points).all()


def test_plain_in_image_pixels(case):
    arrays, _ = case
    points, scores = decode('plain', arrays)
    np.testing.assert_allclose(points, arrays['noudp_default/preds'], atol=0.05)
    np.testing.assert_array_equal(scores[..., None], arrays['noudp_default/maxvals'])


def test_flipping_back(case):
    """Compares the function that the heads use in a flip test, with the datasets' flip pairs."""
    arrays, meta = case
    assert meta['flip_pairs']
    for number, pairs in meta['flip_pairs'].items():
        flipped = torch.from_numpy(arrays[f'flip_back{number}/in'])
        indices = swapped(pairs, flipped.shape[1])
        for name, shift in (('out', False), ('out_shifted', True)):
            ours = flip_heatmaps(flipped, indices, 'heatmap', shift_heatmap=shift)
            np.testing.assert_array_equal(ours, arrays[f'flip_back{number}/{name}'])


def test_the_way_back_from_a_stretched_crop(golden):
    """A given point in heatmap pixels, through the crop, to MPII's image pixels."""
    arrays, meta = golden('F_mpii.npz')
    codec = CROPS['udp_stretched']['codec'] | dict(
        input_size=tuple(meta['image_size_wh']), heatmap_size=tuple(meta['heatmap_size_wh'])
    )
    codec = KEYPOINT_CODECS.build(codec)
    given = torch.from_numpy(arrays['decode/heatmap_xy'])[None]
    decoded = [(codec.to_crop(given).numpy(), np.ones(given.shape[:2]))]
    [sample] = to_image(decoded, [arrays['0/center']], [arrays['0/scale']], codec.input_size)
    points = sample.pred_instances.keypoints[0]
    np.testing.assert_allclose(points, arrays['decode/image_xy'], atol=1e-3)


def swapped(pairs, count):
    indices = list(range(count))
    for a, b in pairs:
        indices[a], indices[b] = b, a
    return indices
