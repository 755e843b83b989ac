"""Bad input gives one sentence that names the file or field, before anything is written."""

import json
import re
import shutil
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmpose.registry import DATASETS, MODELS
from torch.utils.data import DataLoader

from tests.helpers import tiny_figures
from tests.helpers.demo import TINY
from vitpose_plus.checkpoints.converting import convert
from vitpose_plus.commands import main
from vitpose_plus.engine import launchers, preflight
from vitpose_plus.engine.pictures import naming_broken_pictures
from vitpose_plus.errors import UserError
from vitpose_plus.experiments.catalogue import find_config


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


def other_datasets(cfg):
    """A child config that names datasets, but does not call ``multi_dataset``."""
    cfg.merge_from_dict(dict(datasets=dict(zebra=cfg.datasets.coco)))


def forgotten_in_a_loader(cfg):
    del cfg.train_dataloader.dataset.datasets[2]


def none_loader(cfg):
    cfg.train_dataloader = None


def foreign_checkpoint(cfg):
    torch.save(dict(state_dict=dict(weight=torch.zeros(2))), 'foreign.pth')
    cfg.load_from = 'foreign.pth'


def text_as_checkpoint(cfg):
    Path('text.pth').write_text('not a checkpoint')
    cfg.load_from = 'text.pth'


def layout_of_the_authors(cfg):
    state = convert(MODELS.build(cfg.model).state_dict(), target='official').state_dict
    torch.save(dict(state_dict=state), 'official.pth')
    cfg.load_from = 'official.pth'


def pretrained_on_something_else(cfg):
    torch.save(dict(state_dict={'backbone.patch_embed.weight': torch.zeros(2)}), 'other.pth')
    cfg.model.backbone.init_cfg = dict(
        type='Pretrained', checkpoint='other.pth', prefix='backbone.'
    )


def truncated_annotations(cfg):
    Path('cut.json').write_text('{"images": [')
    part(cfg, 1).update(ann_file='cut.json', data_root='', data_prefix=dict(img='.'))


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
    other_head: r'aic has 14 keypoints, but its head has 17: correct num_keypoints in its entry',
    no_head: r'for coco, aic, mpii, ap10k, apt36k, but its `datasets` are .*coco_wholebody',
    no_datasets: r'has heads for coco, .*but its `datasets` are missing: name the datasets',
    other_datasets: r'but its `datasets` are .*zebra.*call .*multi_dataset_config in this',
    forgotten_in_a_loader: r'but train_dataloader has no mpii: call multi_dataset_config with all',
    no_loader: r'has no train_dataloader\.dataset: derive it from the entry .* with a train part',
    none_loader: r'has no train_dataloader\.dataset: derive it from the entry .* with a train part',
    no_checkpoint: r'The checkpoint nowhere\.pth does not exist',
    foreign_checkpoint: r"pth belongs to another model: it lacks 'backbone.pos_embed'",
    text_as_checkpoint: r'text\.pth is no checkpoint, or not complete: download or copy it',
    layout_of_the_authors: r"official\.pth is in the authors' layout: .* convert IN OUT --source",
    pretrained_on_something_else: r'other\.pth belongs to another model: it has .*patch_embed',
    wrong_length: r'wrong\.json: annotation \d+ has 13 keypoints, not 14 \(\d+ in total, also',
    truncated_annotations: r'cut\.json cannot be read as JSON \(JSONDecodeError',
    no_people: r'aic is empty: empty\.json contains no usable annotation, which has a bbox, a',
}


def test_the_demo_has_no_faults(tiny_config):
    preflight.check(tiny_config, ('train', 'val', 'test'))


@pytest.mark.parametrize('damage', CASES, ids=lambda case: case.__name__)
def test_one_sentence_and_nothing_written(damage, tiny_config, workplace, capsys):
    damage(tiny_config)
    tiny_config.dump('damaged.py')
    Path('out').mkdir()
    before = sorted(workplace.rglob('*'))
    with pytest.raises(SystemExit) as stop:
        main(['train', 'damaged.py', '--work-dir', 'out'])
    assert stop.value.code == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith('error: ')
    assert error.count('\n') == 0
    assert re.search(CASES[damage], error), error
    assert sorted(workplace.rglob('*')) == before


def test_a_plain_head_must_fit_its_dataset_too():
    dataset = DATASETS.build(dict(type='MpiiDataset', lazy_init=True))
    preflight.check_keypoints(dataset, {}, 16)
    with pytest.raises(ValueError, match='mpii has 16 keypoints, but its head has 17'):
        preflight.check_keypoints(dataset, {}, 17)


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


@pytest.fixture
def one_mistake(figures, tmp_path):
    """A copy of COCO's figures, in which a keypoint is not finite."""
    shutil.copytree(figures / 'coco', tmp_path / 'data' / 'coco')
    for split in ('train', 'val'):
        path = tmp_path / f'data/coco/annotations/person_keypoints_{split}2017.json'
        content = json.loads(path.read_text())
        content['annotations'][1]['keypoints'][0] = float('nan')
        path.write_text(json.dumps(content))
    return tmp_path / 'data'


def test_every_command_has_the_same_sentence_for_a_file(one_mistake, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    name = 'vitpose-tiny_figures-128x96'
    root = Path('work_dirs/experiments/grey')  # where the config looks
    root.parent.mkdir(parents=True)
    root.symlink_to(one_mistake)
    sentences = {}
    for split, words in dict(
        train=['train', name], val=['test', name, str(tiny_figures.FILE)]
    ).items():
        with pytest.raises(SystemExit) as stop:
            main([*words, '--work-dir', 'w'])
        assert stop.value.code == 2
        [sentences[split]] = capsys.readouterr().err.removeprefix('error: ').splitlines()
        assert f'{split}2017.json: annotation ' in sentences[split]
    with pytest.raises(SystemExit):
        main(['check-data', 'coco', '--root', str(root), '--any-count', '--json', 'f.json'])
    out = capsys.readouterr().out
    assert all(f'coco {split}: {sentence}' in out for split, sentence in sentences.items())
    for one in json.loads(Path('f.json').read_text())['datasets']:
        [finding] = one['findings']
        assert finding['sentence'] == sentences[one['split']]
        assert (finding['count'], finding['harmless']) == (1, False)
    assert not Path('w').exists()


@pytest.mark.parametrize(('launcher', 'rank'), launchers.RANKS.items())
def test_only_the_first_process_reads_annotations(tiny_config, monkeypatch, launcher, rank):
    read = []
    monkeypatch.setattr(preflight, 'check_dataset', lambda *args: read.append(args) or [])
    tiny_config.launcher = launcher
    for number, times in (('1', 0), ('0', 6)):
        monkeypatch.setenv(rank, number)
        preflight.check(tiny_config, ('train',))
        assert len(read) == times


def test_harmless_faults_are_returned(tiny_config, monkeypatch):
    monkeypatch.setattr(preflight, 'check_dataset', lambda *args: ['A note.'])
    assert preflight.check(tiny_config, ('train', 'val')) == ['A note.']


@pytest.mark.parametrize('workers', [0, 1])
def test_the_error_for_a_broken_picture_names_it(workers, figures, tmp_path):
    annotations = f'{figures}/coco/annotations/person_keypoints_val2017.json'
    cfg = dict(type='CocoDataset', ann_file=annotations)
    (tmp_path / '000000500001.jpg').write_text('<html>')
    cfg.update(data_prefix=dict(img=str(tmp_path)), pipeline=[dict(type='LoadImage')])
    loader = DataLoader(DATASETS.build(cfg), num_workers=workers)
    sentence = f'The picture {tmp_path}/000000500001.jpg cannot be read: replace it, or take it out'
    with pytest.raises(UserError, match=re.escape(sentence)), naming_broken_pictures():
        next(iter(loader))
    with pytest.raises(KeyError, match='another'), naming_broken_pictures():
        raise KeyError('another')
