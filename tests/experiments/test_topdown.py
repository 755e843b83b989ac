"""The parts of a config that depend on its datasets."""

from copy import deepcopy

import numpy as np
import pytest
from mmpose.registry import TRANSFORMS

from vitpose_plus.experiments.pretraining import person_crops
from vitpose_plus.experiments.topdown import multi_dataset, single_dataset

CROPS = dict(
    udp=dict(
        codec=dict(type='UDPHeatmap'),
        affine=dict(type='TopdownAffine', use_udp=True),
        shift_heatmap=False,
    ),
    plain=dict(
        codec=dict(type='MSRAHeatmap'), affine=dict(type='TopdownAffine'), shift_heatmap=True
    ),
)
AUGMENTATION = [dict(type='RandomFlip'), dict(type='RandomHalfBody')]


def entry(**changes):
    part = dict(type='CocoDataset', data_root='own', ann_file='a.json', data_prefix=dict(img='i/'))
    metric = dict(type='CocoMetric')
    return dict(num_keypoints=3, crop='udp', train=part, val=part, metric=metric) | changes


def derive(datasets, **options):
    return multi_dataset(datasets, CROPS, AUGMENTATION, **options)


def test_sizes_have_height_first_and_codecs_have_width_first():
    model, train, *_ = derive(dict(zebra=entry()), input_hw=(256, 192), sigma=3.0)
    codec = model['head']['heads'][0]['codec']
    assert model['backbone']['input_hw'] == (256, 192)
    assert codec['input_size'] == (192, 256)
    assert codec['heatmap_size'] == (48, 64)
    assert codec['sigma'] == 3
    pipeline = train['dataset']['datasets'][0]['pipeline']
    assert pipeline[-3] == dict(type='TopdownAffine', use_udp=True, input_size=(192, 256))
    assert pipeline[-2]['encoder'] == codec


def test_paths_lie_in_the_root_of_all_data():
    val = dict(entry()['val'], bbox_file='boxes.json')
    _, train, val, test, *_ = derive(
        dict(zebra=entry(val=val, test=dict(val, ann_file='t.json'))), data_root='/all'
    )
    assert train['dataset']['datasets'][0]['data_root'] == '/all/own'
    assert val['dataset']['datasets'][0]['bbox_file'] == '/all/own/boxes.json'
    assert test['dataset']['datasets'][0]['ann_file'] == 't.json'
    modes = [p['dataset']['datasets'][0].get('test_mode', False) for p in (train, val, test)]
    assert modes == [False, True, True]


def test_augmentation_only_in_training_and_without_transforms_that_a_dataset_refuses():
    datasets = dict(zebra=entry(), okapi=entry(augmentation=dict(RandomHalfBody=None)))
    _, train, val, *_ = derive(datasets)

    def types(loader):
        return [[t['type'] for t in p['pipeline']] for p in loader['dataset']['datasets']]

    assert types(train)[0][2:4] == ['RandomFlip', 'RandomHalfBody']
    assert types(train)[1][2:4] == ['RandomFlip', 'TopdownAffine']
    once = ['LoadImageOnce', 'GetBBoxCenterScale', 'TopdownAffine', 'PackPoseInputs']
    assert types(val)[0] == once


def test_padding_is_that_of_the_entry_in_all_pipelines():
    """Without it, the transform has no argument, and mmpose's 1.25 is used."""
    datasets = dict(zebra=entry(), whole=entry(padding=1.1))
    for loader in derive(datasets)[1:4]:
        boxes = [part['pipeline'][1] for part in loader['dataset']['datasets']]
        assert boxes == [
            dict(type='GetBBoxCenterScale'),
            dict(type='GetBBoxCenterScale', padding=1.1),
        ]
    for loader in single_dataset('whole', datasets['whole'], CROPS, AUGMENTATION)[1:4]:
        assert loader['dataset']['pipeline'][1] == dict(type='GetBBoxCenterScale', padding=1.1)
    _, loader = person_crops(datasets)
    paddings = [part['pipeline'][1].get('padding') for part in loader['dataset']['datasets']]
    assert paddings == [None, 1.1]


def test_padding_sets_the_size_of_the_crop():
    """A square box of 100 pixels, in a crop of 64x64 pixels."""
    datasets = [entry(), entry(padding=1.1), entry(padding=1)]
    sizes = []
    for each in datasets:
        _, _, val, *_ = single_dataset('a', each, CROPS, [], input_hw=(64, 64))
        sample = dict(img=np.zeros((300, 300, 3), np.uint8), bbox=np.float32([[90, 90, 190, 190]]))
        for transform in val['dataset']['pipeline'][1:-1]:
            sample = TRANSFORMS.build(transform)(sample)
        sizes.append(sample['input_scale'].tolist())
    np.testing.assert_allclose(sizes, [[125, 125], [110, 110], [100, 100]], rtol=1e-6)


ADDED = dict(
    RandomHalfBody=None,
    before_crop=[dict(type='RandomBBoxTransform', rotate_factor=180.0)],
    after_crop=[dict(type='PhotometricDistortion', hue_delta=9), dict(type='Albumentation')],
)


def test_transforms_are_added_before_and_after_the_crop_of_a_training():
    _, train, val, *_ = single_dataset('okapi', entry(augmentation=ADDED), CROPS, AUGMENTATION)
    pipeline = train['dataset']['pipeline']
    assert [transform['type'] for transform in pipeline] == [
        *('LoadImage', 'GetBBoxCenterScale', 'RandomFlip', 'RandomBBoxTransform'),
        *('TopdownAffine', 'PhotometricDistortion', 'Albumentation'),
        *('GenerateTarget', 'PackPoseInputs'),
    ]
    assert pipeline[3] == ADDED['before_crop'][0]
    assert pipeline[5] == ADDED['after_crop'][0]
    _, _, plain, *_ = single_dataset('okapi', entry(), CROPS, AUGMENTATION)
    assert val == plain


def test_colours_change_after_the_crop_and_keypoints_do_not():
    shape = dict(bbox=np.float32([[10, 10, 90, 90]]), keypoints=np.full((1, 3, 2), 40.0))
    shape.update(keypoints_visible=np.ones((1, 3), np.float32))
    samples = []
    for augmentation in ({}, dict(after_crop=[dict(type='PhotometricDistortion')])):
        each = entry(augmentation=augmentation)
        _, train, *_ = single_dataset('okapi', each, CROPS, [], input_hw=(64, 64))
        np.random.seed(1)  # some changes of colours are made with a probability of a half
        sample = dict(deepcopy(shape), img=np.full((100, 100, 3), 100, np.uint8))
        for transform in train['dataset']['pipeline'][1:-1]:
            sample = TRANSFORMS.build(transform)(sample)
        samples.append(sample)
    plain, changed = samples
    assert changed['img'].dtype == np.uint8
    assert np.abs(plain['img'].astype(int) - changed['img']).max() > 5
    np.testing.assert_array_equal(changed['heatmaps'], plain['heatmaps'])


def test_a_dataset_without_a_training_set_is_only_tested_on():
    """Preflight refuses training if a loader or a head has no dataset."""
    tested = {key: value for key, value in entry().items() if key != 'train'}
    _, train, val, *_ = derive(dict(zebra=entry(), okapi=tested))
    assert [len(part['dataset']['datasets']) for part in (train, val)] == [1, 2]
    _, train, val, *_ = single_dataset('okapi', tested, CROPS, AUGMENTATION)
    assert train['dataset'] == dict(_delete_=True)
    assert val['dataset']['ann_file'] == 'a.json'


def test_a_dataset_may_have_several_metrics_under_one_name():
    several = entry(metric=[dict(type='AUC'), dict(type='EPE')])
    *_, evaluator = derive(dict(zebra=entry(), okapi=several))
    names = [(m['dataset'], m['type']) for m in evaluator['metrics']]
    assert names == [('zebra', 'CocoMetric'), ('okapi', 'AUC'), ('okapi', 'EPE')]
    *_, evaluator = single_dataset('okapi', several, CROPS, AUGMENTATION)
    assert evaluator == [dict(type='AUC', prefix='okapi'), dict(type='EPE', prefix='okapi')]


def test_nothing_is_shared_between_the_parts():
    """A change of one loader must not change another loader or the entries."""
    datasets = dict(zebra=entry())
    _, train, val, *_ = derive(datasets)
    train['dataset']['datasets'][0]['data_prefix']['img'] = 'changed'
    assert val['dataset']['datasets'][0]['data_prefix']['img'] == 'i/'
    assert datasets['zebra']['train']['data_prefix']['img'] == 'i/'


@pytest.mark.parametrize(
    ('datasets', 'message'),
    [
        ({}, '`datasets` is empty: name at least one entry'),
        (
            dict(zebra=entry(crop='square')),
            "zebra needs the crop 'square', but `crops` has only udp, plain: correct",
        ),
        (dict(zebra=entry(padding=0)), 'zebra has padding=0: give the number by which the sides'),
        (dict(zebra=entry(padding='1.1')), "zebra has padding='1.1': give the number"),
        (
            dict(zebra=entry(augmentation=dict(after_crop=dict(type='RandomFlip')))),
            r'zebra has augmentation.after_crop=\{.*\}: give a list of transforms, each a dict',
        ),
        (
            dict(zebra=entry(augmentation=dict(PhotometricDistortion=True))),
            'augmentation.PhotometricDistortion=True: give a dict of changes .* or None to leave',
        ),
        (dict(zebra=dict(crop='udp')), 'The entry of the dataset zebra has no num_keypoints, no v'),
    ],
)
def test_errors(datasets, message):
    with pytest.raises(ValueError, match=message):
        derive(datasets)
