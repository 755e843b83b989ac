"""MPII counts pixels from zero everywhere, and its square boxes fill the crop."""

import json

import numpy as np
import pytest
from mmengine.dataset import pseudo_collate
from mmengine.structures import InstanceData
from mmpose.registry import DATASETS, EVALUATORS

from vitpose_plus.datasets import StretchedTopdownAffine, ZeroBasedMpiiDataset


def test_joints_start_at_zero_and_nothing_else_changes(figures):
    options = dict(data_root=str(figures / 'mpii'), ann_file='annotations/mpii_train.json')
    ours = ZeroBasedMpiiDataset(**options)
    original = DATASETS.build(dict(options, type='MpiiDataset'))
    people = json.loads((figures / 'mpii/annotations/mpii_train.json').read_text())
    assert len(ours) == len(original) == len(people) > 0
    for i, person in enumerate(people):
        mine, other = ours.get_data_info(i), original.get_data_info(i)
        np.testing.assert_allclose(mine['keypoints'][0] + 1, person['joints'], atol=1e-4)
        np.testing.assert_array_equal(mine['keypoints'] + 1, other['keypoints'])
        for key in ('bbox_center', 'bbox_scale', 'keypoints_visible', 'area'):
            np.testing.assert_array_equal(mine[key], other[key])
    assert ours.metainfo['dataset_name'] == 'mpii'


def test_scores_are_exact_to_a_fraction_of_a_pixel(tiny_config):
    """Our dataset and metric agree at a tenth of the head's size.

    At PCKh's half of the head's size, an error of one pixel would not be noticed.
    """
    [part] = [d for d in tiny_config.val_dataloader.dataset.datasets if 'Mpii' in d.type]
    dataset = DATASETS.build(dict(type='MultiDataset', datasets=[part]))
    [metric] = [m for m in tiny_config.val_evaluator.metrics if m.dataset == 'mpii']
    heads = [dataset.datasets[0].get_data_info(i)['head_size'] for i in range(len(dataset))]
    for offset, perfect in ((0.1 * np.min(heads) - 0.1, True), (0.1 * np.max(heads) + 0.1, False)):
        evaluator = EVALUATORS.build(dict(type='DatasetwiseEvaluator', metrics=[metric]))
        evaluator.dataset_meta = dataset.metainfo
        batch = pseudo_collate([dataset[i] for i in range(len(dataset))])
        for sample in batch['data_samples']:
            keypoints = sample.gt_instances.keypoints + np.array([offset, 0])
            sample.pred_instances = InstanceData(keypoints=keypoints)
        evaluator.process(batch['data_samples'], batch)
        scores = evaluator.evaluate(len(dataset))
        assert scores['mpii/PCK'] == pytest.approx(100)
        assert scores['mpii/PCK@0.1'] == pytest.approx(100 if perfect else 0)


def test_a_square_box_fills_the_crop():
    """Its corners become those of the crop: x and y are scaled separately, without widening."""
    warp = StretchedTopdownAffine(input_size=(192, 256), use_udp=True)
    corners = np.array([[[10.0, 20.0], [110.0, 20.0], [110.0, 120.0], [10.0, 120.0]]])
    results = warp(
        dict(
            img=np.zeros((150, 150, 3), np.uint8),
            bbox_center=np.array([[60.0, 70.0]]),
            bbox_scale=np.array([[100.0, 100.0]]),
            keypoints=corners,
            keypoints_visible=np.ones((1, 4)),
        )
    )
    expected = [[0, 0], [191, 0], [191, 255], [0, 255]]
    np.testing.assert_allclose(results['transformed_keypoints'][0], expected, atol=1e-4)
    np.testing.assert_array_equal(results['input_scale'], [100, 100])
