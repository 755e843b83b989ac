"""A sample of several datasets is prepared by its own dataset."""

import json

import numpy as np
import pytest
from mmengine.config import Config
from mmpose.registry import DATASETS

from vitpose_plus.experiments.catalogue import find_config

NUM_KEYPOINTS = {
    'coco': 17,
    'aic': 14,
    'mpii': 16,
    'ap10k': 17,
    'apt36k': 17,
    'coco_wholebody': 133,
}


@pytest.fixture
def dataset(tiny_config):
    return DATASETS.build(tiny_config.train_dataloader.dataset)


def test_length_is_the_sum_and_order_is_kept(dataset):
    assert dataset.names == list(NUM_KEYPOINTS)
    assert len(dataset) == sum(map(len, dataset.datasets))
    edges = np.cumsum([0, *map(len, dataset.datasets)])
    names = [dataset[int(edge)]['data_samples'].dataset_name for edge in edges[:-1]]
    assert names == list(NUM_KEYPOINTS)


def test_every_sample_keeps_its_own_flips_and_number_of_keypoints(dataset):
    for name, part in zip(dataset.names, dataset.datasets, strict=True):
        sample = part[0]['data_samples']
        assert len(sample.flip_indices) == NUM_KEYPOINTS[name]
        assert sample.flip_indices == part.metainfo['flip_indices']
        assert sample.gt_fields.heatmaps.shape == (NUM_KEYPOINTS[name], 64, 48)


def test_crops_differ_between_datasets_as_in_the_authors_code():
    """COCO and MPII use UDP, the other datasets do not; data and head agree. The crops of MPII are
    stretched, and never show half a body."""
    cfg = Config.fromfile(find_config('vitpose-plus-base_six-datasets-256x192'))
    for part, head in zip(cfg.train_dataloader.dataset.datasets, cfg.model.head.heads, strict=True):
        udp = head.dataset in ('coco', 'mpii')
        affine, target = part.pipeline[-3], part.pipeline[-2]
        assert affine.get('use_udp', False) is udp
        assert (affine.type == 'StretchedTopdownAffine') is (head.dataset == 'mpii')
        assert target.encoder.type == ('BatchedUDPHeatmap' if udp else 'BatchedMSRAHeatmap')
        assert head.codec == target.encoder
        assert head.test_cfg.shift_heatmap is not udp
        transforms = {t['type']: t for t in part.pipeline}
        assert ('RandomHalfBody' in transforms) is (head.dataset != 'mpii')
        assert 'ClippedNormalBBoxTransform' in transforms


def test_apt36k_is_ap10k_under_its_own_name(dataset):
    ap10k, apt36k = (dataset.metainfo['datasets'][name] for name in ('ap10k', 'apt36k'))
    assert apt36k['dataset_name'] == 'apt36k'
    for key in ('flip_indices', 'keypoint_id2name', 'num_keypoints'):
        assert apt36k[key] == ap10k[key]
    np.testing.assert_array_equal(apt36k['sigmas'], ap10k['sigmas'])


def test_two_datasets_with_the_same_name_are_refused(tiny_config):
    parts = tiny_config.train_dataloader.dataset.datasets
    with pytest.raises(ValueError, match='same dataset_name: coco, coco'):
        DATASETS.build(dict(type='MultiDataset', datasets=[parts[0], parts[0]]))


def test_the_message_names_an_empty_dataset_and_its_file(tiny_config, tmp_path):
    part = tiny_config.train_dataloader.dataset.datasets[1]
    empty = tmp_path / 'empty.json'
    empty.write_text(json.dumps(dict(images=[], annotations=[], categories=[])))
    part.ann_file = str(empty)
    with pytest.raises(ValueError, match=r'dataset aic is empty: .*empty\.json'):
        DATASETS.build(dict(type='MultiDataset', datasets=[part]))
