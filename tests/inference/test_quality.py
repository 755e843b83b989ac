"""``quality``: the distance between both views, and the spread of heatmaps."""

import json
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData
from mmpose.models.heads import HeatmapHead
from mmpose.models.pose_estimators import BottomupPoseEstimator, TopdownPoseEstimator
from mmpose.registry import KEYPOINT_CODECS, MODELS
from mmpose.structures import PoseDataSample
from torch import nn

from tests.helpers.comparing import assert_same
from tests.helpers.demo import TINY
from tests.helpers.tiny_figures import FILE
from tests.helpers.tracks import film, walking
from tests.inference.conftest import lines_of
from vitpose_plus.commands import main
from vitpose_plus.errors import UserError
from vitpose_plus.experiments.catalogue import find_config, read_config
from vitpose_plus.inference.batches import BatchRunner
from vitpose_plus.inference.boxes.source import Boxes, BoxSource
from vitpose_plus.inference.engines.network import ExportedPoints
from vitpose_plus.inference.filling import Filling
from vitpose_plus.inference.quality import (
    MeasuringFlipTest,
    MeasuringTwice,
    add_measures,
    measuring,
    mirrored_back,
    obstacle,
    variances,
)

CROP, HEATMAP = (192, 256), (48, 64)  # width, height
UDP = dict(type='BatchedUDPHeatmap', input_size=CROP, heatmap_size=HEATMAP)
PLAIN = dict(UDP, type='BatchedMSRAHeatmap')
MIXED = dict(person='coco', animal='ap10k')  # a UDP head and a plain head


class PersonAndAnimal(BoxSource):
    """Two boxes in every picture: an animal and a person."""

    labels = ('animal', 'person')

    def boxes(self, pictures, images):
        box = np.array([[8, 12, 68, 72], [12, 8, 72, 68]], np.float32)
        return [Boxes(box, np.ones(2, np.float32), list(self.labels)) for _ in pictures]


@contextmanager
def running(predictor, network, flip_test=False):
    """The predictor runs a network that is made from its own one."""
    test_cfg, run = predictor.model.network.test_cfg, predictor.run
    test_cfg['flip_test'] = flip_test
    predictor.run = BatchRunner(network(predictor.model.network), run.device, 4, print)
    try:
        yield predictor
    finally:
        predictor.run, test_cfg['flip_test'] = run, predictor.flip_test


@pytest.fixture
def with_quality(predictor):
    with running(predictor, MeasuringTwice):
        yield predictor


def itself(network):
    return network


@pytest.fixture(scope='module')
def images():
    rng = np.random.default_rng(0)
    return [rng.integers(0, 255, (96, 80, 3), np.uint8) for _ in range(2)]


def test_quality_does_not_change_predictions(predictor, images):
    """The measures are the same with flip test and without it."""
    kinds = {False: MeasuringTwice, True: MeasuringFlipTest}
    measured = {}
    for flip_test, kind in kinds.items():
        with running(predictor, itself, flip_test):
            plain = instances_of(predictor(images, boxes=PersonAndAnimal(), dataset=MIXED))
        with running(predictor, kind, flip_test):
            measured[flip_test] = instances_of(
                predictor(images, boxes=PersonAndAnimal(), dataset=MIXED)
            )
        assert len(plain) == 4
        for one, other in zip(plain, measured[flip_test], strict=True):
            assert one.dataset == other.dataset
            np.testing.assert_array_equal(one.keypoints, other.keypoints)
            np.testing.assert_array_equal(one.scores, other.scores)
            assert one.flip_distance is one.spread is None
    for one, other in zip(measured[False], measured[True], strict=True):
        assert np.median(np.abs(one.flip_distance - other.flip_distance)) < 1e-2
        np.testing.assert_allclose(one.spread, other.spread, rtol=1e-3)


def instances_of(results):
    return [instance for result in results for instance in result.instances]


def test_the_flip_distance_equals_that_of_a_mirrored_picture(with_quality, figures, tmp_path):
    """Independent way: a mirrored picture with mirrored boxes, predicted without measures.

    The dataset has UDP's crops, which have exact mirror images.
    """
    folder = figures / 'coco'
    annotations = folder / 'annotations' / 'person_keypoints_val2017.json'
    [result] = with_quality(next((folder / 'val2017').glob('*.jpg')), boxes=annotations)
    boxes = [
        [result.width - 1 - x2, y1, result.width - 1 - x1, y2]
        for x1, y1, x2, y2 in (instance.box.tolist() for instance in result.instances)
    ]
    source = str(tmp_path / 'mirrored.png')
    cv2.imwrite(source, np.ascontiguousarray(result.image[:, ::-1]))
    [mirrored] = with_quality(source, boxes={source: boxes})
    swapped = list(with_quality.model.metainfo['coco']['flip_indices'])
    for own, other in zip(result.instances, mirrored.instances, strict=True):
        back = other.keypoints[swapped] * [-1, 1] + [result.width - 1, 0]
        expected = np.linalg.norm(own.keypoints - back, axis=1)
        assert np.median(expected) > 0.1
        assert np.quantile(np.abs(own.flip_distance - expected), 0.9) < 0.05
        np.testing.assert_allclose(own.spread, other.spread[swapped], rtol=0.01)


@MODELS.register_module(force=True)
class Pooling(nn.Module):
    """A backbone whose features of a mirrored crop are the mirrored features."""

    def forward(self, inputs):
        return (nn.functional.avg_pool2d(inputs, 4),)


def head_of(codec):
    init_default_scope('mmpose')
    return HeatmapHead(3, 3, decoder=codec, deconv_out_channels=None)


def sample_of(size=CROP):
    """The output for a crop that shows ``size`` pixels of the picture."""
    sample = PoseDataSample(
        metainfo=dict(
            input_size=CROP,
            input_scale=np.array(size, np.float32),
            input_center=np.array([50, 60]),
            flip_indices=(0, 2, 1),
        )
    )
    sample.gt_instances = InstanceData(bboxes=np.zeros((1, 4)), bbox_scores=np.ones(1))
    sample.pred_instances = InstanceData(keypoints=np.zeros((1, 3, 2)))
    return sample


@pytest.mark.parametrize('flip_test', [False, True])
def test_a_network_that_is_exactly_symmetric_has_no_flip_distance(flip_test):
    init_default_scope('mmpose')
    network = TopdownPoseEstimator(
        backbone=dict(type='Pooling'),
        head=dict(
            type='HeatmapHead',
            in_channels=3,
            out_channels=3,
            deconv_out_channels=None,
            decoder=UDP,
        ),
        data_preprocessor=dict(type='PoseDataPreprocessor'),
        test_cfg=dict(flip_test=flip_test),
    ).eval()
    network.head.final_layer.weight.data[:, :, 0, 0] = torch.eye(3)  # a colour for a keypoint
    network.head.final_layer.bias.data.zero_()
    metainfo = dict(pair=dict(num_keypoints=3))
    model = SimpleNamespace(network=network, metainfo=metainfo)
    # The second and the third keypoint are left and right: the same blob.
    inputs = [nn.functional.interpolate(blobs(x), scale_factor=4)[0] for x in (12, 30)]
    data = dict(inputs=inputs, data_samples=[sample_of(), sample_of()])
    with torch.inference_mode():
        outputs = measuring(model, flip_test).test_step(data)
    for output in outputs:
        np.testing.assert_allclose(output.pred_instances.flip_distance, 0, atol=1e-3)
        np.testing.assert_allclose(output.pred_instances.spread, 4 * 2 * 2**0.5, rtol=1e-3)


def blobs(x):
    return gaussians(2, [(20, 30), (x, 31), (x, 31)])


@pytest.mark.parametrize('codec', [UDP, PLAIN], ids=lambda codec: codec['type'])
def test_targets_of_both_views_are_decoded_to_the_same_place(codec):
    """The plain codec rounds to a quarter pixel, so only the mean of many points is exact."""
    init_default_scope('mmpose')
    built = KEYPOINT_CODECS.build(codec)
    points = np.arange(40.125, 140, 0.25, np.float32)[None, :, None].repeat(2, -1)
    pair = points, points * [-1, 1] + [CROP[0] - 1, 0]
    own, other = (built.decode(built.encode(each)['heatmaps'])[0][0] for each in pair)
    apart = own - mirrored_back(other, built, CROP[0])
    assert np.abs(apart.mean(0)).max() < 0.1
    if codec is UDP:
        assert np.abs(apart).max() < 0.05


def gaussians(sigma, centres):
    """Gaussian heatmaps (1, K, h, w) with the peaks (x, y)."""
    x, y = np.arange(HEATMAP[0]), np.arange(HEATMAP[1])[:, None]
    maps = [np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * sigma**2)) for cx, cy in centres]
    return torch.tensor(np.array(maps)[None], dtype=torch.float32)


CENTRES = [(20, 30), (25.5, 31), (24, 28.3)]


@pytest.mark.parametrize('sigma', [1.5, 2, 5])
def test_the_spread_of_a_gaussian_is_its_sigma(sigma):
    """The spread is the root of the sum of both variances, in pixels of the picture."""
    maps = gaussians(sigma, CENTRES)
    np.testing.assert_allclose(variances(maps), sigma**2, rtol=1e-3)
    small, large, stretched = sample_of(), sample_of((576, 768)), sample_of((48, 128))
    for sample in (small, large, stretched):
        add_measures(head_of(UDP), maps, maps.flip(-1)[:, [0, 2, 1]], [sample])
    np.testing.assert_allclose(small.pred_instances.spread, 4 * 2**0.5 * sigma, rtol=1e-3)
    assert_same(large.pred_instances.spread, 3 * small.pred_instances.spread)
    np.testing.assert_allclose(stretched.pred_instances.spread, 5**0.5 * sigma, rtol=1e-3)


def test_the_flip_distance_grows_with_the_box():
    maps, moved = (gaussians(2, np.array(CENTRES) + move) for move in ([0, 0], [3, 4]))
    small, large = sample_of(), sample_of((576, 768))
    for sample in (small, large):
        add_measures(head_of(UDP), maps, moved.flip(-1)[:, [0, 2, 1]], [sample])
    # UDP: the last heatmap pixel is the edge of the crop.
    expected = np.hypot(3 * 192 / 47, 4 * 256 / 63)
    np.testing.assert_allclose(small.pred_instances.flip_distance, expected, atol=0.05)
    assert_same(large.pred_instances.flip_distance, 3 * small.pred_instances.flip_distance)


def test_weak_noise_hardly_changes_the_spread_and_a_second_peak_does():
    one = gaussians(2, [(12, 20)])
    noise = 0.03 * torch.rand(one.shape, generator=torch.Generator().manual_seed(0))
    assert variances(one + noise).max() < 1.1 * variances(one).max()
    assert variances(one + gaussians(2, [(36, 44)])).min() > 100


def test_heatmaps_without_positive_values_count_as_constant():
    width, height = HEATMAP
    constant = np.array([width**2 - 1, height**2 - 1]) / 12
    for maps in (torch.zeros(1, 2, height, width), -torch.rand(1, 2, height, width)):
        np.testing.assert_allclose(variances(maps)[0, 0], 4 * constant, rtol=1e-5)


def test_a_line_has_both_measures(with_quality, images):
    [result] = with_quality(images[0], boxes='whole')
    [instance] = result.instances
    [line] = json.loads(result.to_json())['instances']
    assert list(line['quality']) == ['flip_distance', 'spread']
    for name, values in line['quality'].items():
        assert np.shape(values) == (17,)
        np.testing.assert_allclose(values, getattr(instance, name), atol=5.1e-5)
    plain = replace(instance, flip_distance=None, spread=None)
    assert 'quality' not in plain.to_dict()


def test_the_command_writes_both_measures_and_the_setting(tmp_path, images):
    cv2.imwrite(str(tmp_path / 'noise.png'), images[0])
    words = [str(tmp_path / 'noise.png'), '--model', TINY, '--checkpoint', str(FILE)]
    main(
        [
            'predict',
            *words,
            '--boxes',
            'whole',
            '--quality',
            '--no-draw',
            '--out',
            str(tmp_path / 'out'),
        ]
    )
    [line] = lines_of(tmp_path / 'out')
    assert len(line['instances'][0]['quality']['spread']) == 17
    settings = json.loads((tmp_path / 'out' / 'manifest.json').read_text())['settings']
    assert (settings['flip_test'], settings['quality']) == (False, True)


def test_a_filled_instance_has_no_quality():
    times = np.arange(4) / 30
    results = list(film(times, walking(times), missing=[2]))
    for result in results:
        for instance in result.instances:
            instance.flip_distance, instance.spread = np.ones(17), np.ones(17)
    for number, result in enumerate(Filling(1)(results)):
        [instance] = result.instances
        assert (instance.spread is None) == (instance.flip_distance is None) == (number == 2)


HEAD = dict(type='HeatmapHead', in_channels=3, out_channels=9)


def bottom_up():
    return BottomupPoseEstimator(backbone=dict(type='Pooling'), head=HEAD)


def regression():
    head = dict(type='RegressionHead', in_channels=3, num_joints=3)
    return TopdownPoseEstimator(backbone=dict(type='Pooling'), head=head)


def with_offsets():
    """Three maps for each keypoint."""
    codec = dict(UDP, type='UDPHeatmap', heatmap_type='combined')
    return TopdownPoseEstimator(backbone=dict(type='Pooling'), head=dict(HEAD, decoder=codec))


@pytest.mark.parametrize(
    ('network', 'message'),
    [
        (bottom_up, r'^m is a BottomupPoseEstimator, but --quality needs .*: leave out --quality'),
        (regression, r'^m has a RegressionHead, but --quality needs a top-down model that'),
        (with_offsets, r'^m has 9 maps for 3 keypoints, but --quality needs'),
    ],
)
def test_models_without_one_heatmap_per_keypoint_are_refused(network, message):
    init_default_scope('mmpose')
    origin = SimpleNamespace(model='m')
    metainfo = dict(pair=dict(num_keypoints=3))
    model = SimpleNamespace(origin=origin, network=network(), metainfo=metainfo)
    with pytest.raises(UserError, match=message):
        measuring(model, flip_test=False)


def test_the_command_refuses_a_bottom_up_model_and_writes_nothing(tmp_path, capsys):
    config = 'vitpose-bottomup-tiny_figures-128x128'
    init_default_scope('mmpose')
    weights = tmp_path / 'random.pth'
    torch.save(MODELS.build(read_config(find_config(config)).model).state_dict(), weights)
    picture = tmp_path / 'picture.png'
    picture.write_bytes(b'not read')
    out = tmp_path / 'out'
    words = [str(picture), '--model', config, '--checkpoint', str(weights), '--out', str(out)]
    with pytest.raises(SystemExit) as stop:
        main(['predict', *words, '--quality'])
    assert stop.value.code == 2
    assert 'but --quality needs a top-down model' in capsys.readouterr().err
    assert not out.exists()


class PointsNetwork(TopdownPoseEstimator):
    """The part of an exported model that is checked."""

    def __init__(self):
        nn.Module.__init__(self)
        self.head = ExportedPoints(17)


def test_an_exported_model_without_heatmaps_is_described_without_a_class_name():
    model = SimpleNamespace(network=PointsNetwork(), metainfo=dict(coco={}))
    assert obstacle(model) == 'was exported with --outputs keypoints'
