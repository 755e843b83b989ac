"""The exported modules compute what ``predict`` and ``test`` compute."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate

from tests.helpers.demo import TINY
from tests.helpers.tiny_figures import FILE
from vitpose_plus.errors import UserError
from vitpose_plus.export.describing import Options, describe
from vitpose_plus.export.graphs import graph_of
from vitpose_plus.inference.engines.description import Description
from vitpose_plus.inference.models import load


@pytest.fixture(scope='module')
def model():
    return load(TINY, str(FILE))


@pytest.fixture
def inputs(model, figures):
    """Inputs of the network for figures of different datasets, not sorted by dataset."""
    from mmcv import imread

    picture = imread(str(next((figures / 'mixed' / 'val').glob('*.jpg'))))
    names = [name for name in ('ap10k', 'coco', 'mpii', 'coco') if name in model.pipelines]
    h, w = picture.shape[:2]
    boxes = np.array([[0, 0, w, h], [0, 0, w / 2, h], [w / 2, 0, w, h], [9, 9, w - 9, h - 9]])
    return [
        model.pipelines[name](
            dict(
                model.metainfo[name],
                img=picture,
                img_path='',
                bbox=box[None].astype(np.float32),
                bbox_score=np.ones(1, np.float32),
            )
        )
        for name, box in zip(names, boxes, strict=True)
    ]


def crops_of(inputs, names):
    """RGB crops (B, 3, h, w), and the numbers of the datasets."""
    crops = torch.stack([each['inputs'] for each in inputs]).flip(1)
    numbers = [names.index(each['data_samples'].dataset_name) for each in inputs]
    return crops, torch.tensor(numbers)


def in_picture(points, sample):
    size, scale, centre = (sample.metainfo[f'input_{key}'] for key in ('size', 'scale', 'center'))
    return points / size * scale + centre - 0.5 * scale


@pytest.mark.parametrize('flip_test', [False, True])
@torch.inference_mode()
def test_keypoints_and_scores_are_those_of_the_network(model, inputs, flip_test):
    description = describe(model, Options(flip_test=flip_test))
    model.network.test_cfg['flip_test'] = flip_test
    points, scores = graph_of(model.network, description)(*crops_of(inputs, description.names))
    for row, sample in enumerate(model.network.test_step(pseudo_collate(inputs))):
        found = sample.pred_instances
        count = found.keypoints.shape[1]
        expected = in_picture(points[row, :count].numpy(), sample)
        np.testing.assert_allclose(found.keypoints[0], expected, atol=2e-3)
        np.testing.assert_allclose(found.keypoint_scores[0], scores[row, :count], atol=1e-5)
        assert not points[row, count:].any()
        assert not scores[row, count:].any()


@torch.inference_mode()
def test_the_order_of_channels_and_the_normalisation_do_not_change_the_heatmaps(model, inputs):
    described = [
        describe(model, Options('heatmaps', channels=order, normalise=normalise))
        for order in ('rgb', 'bgr')
        for normalise in (True, False)
    ]
    crops, numbers = crops_of(inputs, described[0].names)
    maps = []
    for each in described:
        given = crops if each.channels == 'rgb' else crops.flip(1)
        if not each.is_normalising:
            mean, std = (torch.tensor(value).view(-1, 1, 1) for value in (each.mean, each.std))
            given = (given - mean) / std
        maps.append(graph_of(model.network, each)(given, numbers))
    for other in maps[1:]:
        torch.testing.assert_close(other, maps[0])


@torch.inference_mode()
def test_half_precision_changes_a_copy_only(model, inputs):
    exact, half = (describe(model, Options(precision=name)) for name in ('fp32', 'fp16'))
    given = crops_of(inputs, exact.names)
    points, scores = graph_of(model.network, exact)(*given)
    halved = graph_of(model.network, half)(*given)
    again = graph_of(model.network, exact)(*given)
    assert torch.equal(again[0], points)
    assert torch.equal(again[1], scores)
    assert 0 < (halved[1] - scores).abs().max() < 0.02
    assert halved[0].dtype == torch.float32


def test_a_description_is_read_as_it_was_written(model):
    description = describe(model, Options('heatmaps', 'fp16', 'bgr', True, True))
    assert Description.from_json(description.to_json()) == description
    assert description.names == tuple(model.skeletons)
    assert description.input_hw == (256, 192)


@pytest.mark.parametrize(
    ('text', 'problem'),
    [
        ('', 'damaged'),
        ('[1]', 'damaged'),
        ('{"schema": 1, "model": 3}', 'damaged'),
        ('[' * 200_000, 'damaged'),
        ('{"schema": 2, "version": "9.0"}', 'vitpose_plus 9.0 wrote it with schema 2'),
    ],
)
def test_a_wrong_description_is_refused(text, problem):
    with pytest.raises(UserError, match=problem):
        Description.from_json(text)


def test_a_codec_that_does_not_decode_tensors_is_refused_for_keypoints_only(model):
    head = model.network.cfg.model.head
    kind, head.heads[0].codec['type'] = head.heads[0].codec['type'], 'UDPHeatmap'
    try:
        with pytest.raises(UserError, match='UDPHeatmap cannot be exported: use --outputs'):
            describe(model, Options())
        assert describe(model, Options('heatmaps')).datasets[0].codec['type'] == 'UDPHeatmap'
    finally:
        head.heads[0].codec['type'] = kind


def test_datasets_may_have_different_codecs(model, inputs):
    """Each dataset is decoded by its own codec."""
    description = describe(model, Options())
    msra = dict(description.datasets[0].codec, type='BatchedMSRAHeatmap')
    msra = {key: value for key, value in msra.items() if key != 'blur_kernel_size'}
    parts = [
        replace(part, codec=msra) if part.skeleton.dataset == 'ap10k' else part
        for part in description.datasets
    ]
    mixed, every = (
        replace(description, datasets=tuple(each))
        for each in (parts, [replace(part, codec=msra) for part in description.datasets])
    )
    given = crops_of(inputs, description.names)
    with torch.inference_mode():
        udp, both, only = (
            graph_of(model.network, each)(*given)[0] for each in (description, mixed, every)
        )
    is_animal = given[1] == description.names.index('ap10k')
    assert torch.equal(both[is_animal], only[is_animal])
    assert torch.equal(both[~is_animal], udp[~is_animal])
    assert not torch.equal(udp, only)
