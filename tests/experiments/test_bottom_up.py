"""Bottom-up models from the config to the metric, on synthetic figures."""

import json

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.evaluator import Evaluator
from mmpose.registry import DATASETS, MODELS

from vitpose_plus.checkpoints import writing
from vitpose_plus.commands import main
from vitpose_plus.engine import preflight
from vitpose_plus.errors import UserError
from vitpose_plus.evaluation import grouping_ceiling, headlines
from vitpose_plus.experiments.bottom_up import bottom_up
from vitpose_plus.experiments.catalogue import find_config

TINY = 'vitpose-bottomup-tiny_figures-128x128'
ENTRY = dict(
    num_keypoints=17,
    train=dict(type='CocoDataset', data_root='coco', ann_file='train.json'),
    val=dict(type='CocoDataset', data_root='coco', ann_file='val.json', bbox_file='boxes.json'),
    metric=dict(type='CocoMetric', use_area=False),
)


@pytest.fixture
def config(figures, tmp_path, monkeypatch):
    """The config for figures, in a folder with a few of them."""
    (tmp_path / 'work_dirs' / 'experiments').mkdir(parents=True)
    (tmp_path / 'work_dirs' / 'experiments' / 'figures').symlink_to(figures)
    monkeypatch.chdir(tmp_path)
    return Config.fromfile(find_config(TINY), format_python_code=False)


def test_samples_are_complete_pictures_without_boxes():
    affine = dict(type='BottomupRandomAffine', rotate_factor=10.0)
    model, train, val, test, evaluator, _ = bottom_up('coco', ENTRY, affine, (512, 640))
    assert model['backbone']['input_hw'] == (512, 640)
    codec = model['head']['decoder']
    assert (codec['input_size'], codec['heatmap_size']) == ((640, 512), (160, 128))
    for loader in (train, val, test):
        assert loader['dataset']['data_mode'] == 'bottomup'
        assert loader['dataset']['data_root'] == 'data/coco'
        assert 'bbox_file' not in loader['dataset']
    assert train['dataset']['pipeline'][1] == dict(affine, input_size=(640, 512))
    assert evaluator['nms_mode'] == 'none'
    assert evaluator['score_mode'] == 'bbox'
    assert not evaluator['use_area']
    assert ENTRY['val']['bbox_file'] == 'boxes.json'


def test_an_entry_without_train_has_no_training_set():
    entry = {key: value for key, value in ENTRY.items() if key != 'train'}
    _, train, val, *_ = bottom_up('ochuman', entry, {})
    assert train == dict(dataset=dict(_delete_=True))
    assert val['dataset']['test_mode']


@pytest.mark.parametrize('metric', [dict(type='MpiiPCKAccuracy'), [dict(type='CocoMetric')] * 2])
def test_other_metrics_are_refused(metric):
    with pytest.raises(UserError, match='The dataset mpii is not scored by CocoMetric alone'):
        bottom_up('mpii', dict(ENTRY, metric=metric), {})


def test_trains_on_batches_of_pictures(config):
    preflight.check(config, ('train', 'val', 'test'))
    dataset = DATASETS.build(config.train_dataloader.dataset)
    model = MODELS.build(config.model).train()
    data = model.data_preprocessor(pseudo_collate([dataset[i] for i in range(3)]), True)
    people = [len(sample.gt_instances) for sample in data['data_samples']]
    visible = [s.gt_instance_labels.keypoint_indices[..., 1] for s in data['data_samples']]
    assert [int(labels.any(1).sum()) for labels in visible] == people
    loss, _ = model.parse_losses(model.loss(**data))
    assert loss.isfinite()
    loss.backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_exact_predictions_have_a_high_score(config):
    assert headlines(grouping_ceiling(config))['coco'] > 0.9


@torch.no_grad()
def test_a_model_that_finds_nobody_can_be_tested(config):
    dataset = DATASETS.build(config.test_dataloader.dataset)
    model = MODELS.build(config.model).eval()
    torch.nn.init.zeros_(model.head.final_layer.weight)
    samples = [dataset[i] for i in range(len(dataset))]
    evaluator = Evaluator(config.test_evaluator)
    evaluator.dataset_meta = dataset.metainfo
    for sample in samples:
        data = model.data_preprocessor(pseudo_collate([sample]))
        results = model.predict(**data)
        assert results[0].pred_instances.keypoints.shape == (0, 17, 2)
        evaluator.process(results, pseudo_collate([sample]))
    assert evaluator.evaluate(len(samples))['coco/AP'] <= 0


def test_pictures_without_people_are_tested_too(config, figures, tmp_path):
    content = json.loads((figures / 'coco/annotations/person_keypoints_val2017.json').read_text())
    empty = content['images'][0]['id']
    content['annotations'] = [a for a in content['annotations'] if a['image_id'] != empty]
    (tmp_path / 'some.json').write_text(json.dumps(content))
    config.test_dataloader.dataset.ann_file = str(tmp_path / 'some.json')
    dataset = DATASETS.build(config.test_dataloader.dataset)
    assert sorted(sample['data_samples'].img_id for sample in dataset) == [
        image['id'] for image in content['images']
    ]
    assert headlines(grouping_ceiling(config))['coco'] > 0.9


def test_a_head_of_other_keypoints_is_refused(config):
    config.model.head.num_keypoints = 14
    with pytest.raises(UserError, match='coco has 17 keypoints, but its head has 14'):
        preflight.check(config, ('train',))


def test_the_test_command_draws_a_sheet(config, capsys):
    model = MODELS.build(config.model)
    torch.nn.init.normal_(model.head.final_layer.weight, std=0.5)  # large: random people are found
    writing.write('model.pth', model.state_dict())
    main(['test', TINY, 'model.pth', '--sheet', 'sheet.png'])
    assert 'coco/AP' in capsys.readouterr().out
    drawn = cv2.imread('sheet.png')
    assert drawn.shape[0] == 288 + 26
    assert np.unique(drawn.reshape(-1, 3), axis=0).shape[0] > 100


def test_checkpoints_of_top_down_models_are_refused(config, capsys):
    plain = Config.fromfile(find_config('vitpose-small_coco-256x192'), format_python_code=False)
    writing.write('plain.pth', MODELS.build(plain.model).state_dict())
    with pytest.raises(SystemExit):
        main(['test', TINY, 'plain.pth'])
    assert 'plain.pth belongs to another model' in capsys.readouterr().err
