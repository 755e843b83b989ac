"""Bad input is one sentence that names the file or field, before anything is written."""

import json
import re

import pytest
import torch
from mmengine.config import Config

from vitpose_plus.commands import main
from vitpose_plus.commands.running import find_config
from vitpose_plus.preflight import check

TINY = 'vitpose-plus-tiny_figures-256x192'


def part(cfg, number=0):
    return cfg.train_dataloader.dataset.datasets[number]


def no_annotations(cfg):
    part(cfg).ann_file = 'annotations/nowhere.json'


def no_images(cfg):
    part(cfg, 1).data_prefix = dict(img='nowhere/')


def no_boxes(cfg):
    cfg.val_dataloader.dataset.datasets[0].bbox_file = 'nowhere.json'


def other_head(cfg):
    cfg.model.head.heads[1].num_keypoints = 17


def no_head(cfg):
    del cfg.model.head.heads[5]


def no_datasets(cfg):
    cfg.pop('datasets')


def no_loader(cfg):
    cfg.pop('train_dataloader')


def no_checkpoint(cfg):
    cfg.load_from = 'nowhere.pth'


def wrong_length(cfg):
    file = 'wrong.json'
    with open(f'{part(cfg, 1).data_root}/annotations/aic_train.json') as f:
        data = json.load(f)
    for annotation in data['annotations']:
        annotation['keypoints'] = annotation['keypoints'][:-3]
    with open(file, 'w') as f:
        json.dump(data, f)
    part(cfg, 1).update(ann_file=file, data_root='', data_prefix=dict(img='.'))


def no_people(cfg):
    with open('empty.json', 'w') as f:
        json.dump(dict(images=[], annotations=[], categories=[]), f)
    part(cfg, 1).update(ann_file='empty.json', data_root='', data_prefix=dict(img='.'))


CASES = {
    no_annotations: r'coco needs .*nowhere\.json \(ann_file\), which does not exist: put it there',
    no_images: r'aic needs the image folder .*nowhere/ \(data_prefix\), which does not exist',
    no_boxes: r'coco needs nowhere\.json \(bbox_file\), which does not exist',
    other_head: r'aic has 14 keypoints, its head 17: correct num_keypoints in its entry',
    no_head: r'no head for the dataset coco_wholebody: it has heads for coco, aic',
    no_datasets: r'has no `datasets`: name them as in configs/',
    no_loader: r'has no train_dataloader\.dataset: derive it from `datasets`',
    no_checkpoint: r'The checkpoint nowhere\.pth does not exist',
    wrong_length: r'wrong\.json gives 13 keypoints .* aic has 14',
    no_people: r'aic is empty: empty\.json holds no usable annotation',
}


def test_nothing_is_wrong_with_the_demo(tiny_config):
    check(tiny_config, ('train', 'val', 'test'))


@pytest.mark.parametrize('spoil', CASES, ids=lambda case: case.__name__)
def test_one_sentence_and_nothing_written(spoil, tiny_config, workplace, capsys):
    spoil(tiny_config)
    tiny_config.dump('spoilt.py')
    before = sorted(workplace.rglob('*'))
    with pytest.raises(SystemExit) as stop:
        main(['train', 'spoilt.py', '--work-dir', 'out'])
    assert stop.value.code == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith('error: ')
    assert error.count('\n') == 0
    assert re.search(CASES[spoil], error), error
    assert sorted(workplace.rglob('*')) == before


def test_a_checkpoint_of_another_model_is_refused_before_training(workplace, capsys):
    torch.save(dict(state_dict=dict(weight=torch.zeros(2))), 'other.pth')
    with pytest.raises(SystemExit) as stop:
        main(['test', TINY, 'other.pth', '--work-dir', 'out'])
    assert stop.value.code == 2
    assert 'The checkpoint belongs to another model: it lacks' in capsys.readouterr().err


def test_unknown_config_names_the_closest(workplace, capsys):
    with pytest.raises(SystemExit):
        main(['train', 'vitpose-plus-tiny_figure-256x192'])
    error = capsys.readouterr().err
    assert 'There is no config vitpose-plus-tiny_figure-256x192' in error
    assert TINY in error


def test_config_is_found_by_path_and_by_name(workplace):
    path = find_config(TINY)
    assert find_config(f'{TINY}.py') == find_config(path) == path
    assert Config.fromfile(path).filename == path
