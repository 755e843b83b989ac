"""The new-dataset command: what it writes is complete, is sized, and can be trained and moved."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmpose.registry import MODELS

from tests.helpers.label_files import WRITERS, example
from vitpose_plus.commands import main, new_dataset_options
from vitpose_plus.datasets.labels.splitting import SPLITS
from vitpose_plus.datasets.multi_dataset import plain_datasets, unread
from vitpose_plus.experiments import multi_dataset_config
from vitpose_plus.experiments.catalogue import load_config
from vitpose_plus.experiments.new_dataset.looks import LOOKS
from vitpose_plus.experiments.new_dataset.places import FILES

TINY = Path(__file__).parents[1] / 'data' / 'tiny_figures.pth'


@pytest.fixture
def labels(tmp_path, monkeypatch):
    """The names of label files in the working folder; two pictures of three are in one folder."""
    monkeypatch.chdir(tmp_path)
    made = example(tmp_path / 'pictures')
    [file] = WRITERS['coco'](made, tmp_path / 'pictures')
    return [str(file), '--pictures', 'pictures']


@pytest.fixture
def single(labels):
    """As ``labels``, with one instance in each picture."""
    path = Path(labels[0])
    content = json.loads(path.read_text())
    content['annotations'] = [one for one in content['annotations'] if one['num_keypoints'] == 4]
    path.write_text(json.dumps(content))
    return labels


def make(*words):
    main(['new-dataset', 'mouse', *words])
    return load_config('mouse/config.py', format_python_code=False)


def write_start(path, **changes):
    backbone = MODELS.build(dict(type='ViT', arch='tiny', **changes))
    torch.save({f'backbone.{key}': value for key, value in backbone.state_dict().items()}, path)


def augmentation(cfg):
    return {step['type']: step for step in plain(cfg).pipeline}


def plain(cfg):
    """The config of the training's dataset, without the wrapper that repeats it."""
    [part] = plain_datasets(cfg.train_dataloader.dataset)
    return part


def test_the_folder_is_complete_and_its_config_is_that_of_the_labels(labels, capsys):
    cfg = make(*labels, '--split', 'random')
    assert sorted(path.name for path in Path('mouse').iterdir()) == sorted(FILES)
    out = capsys.readouterr().out
    assert '3 pictures, 4 instances:' in out
    assert 'leftear   labelled in 3  <-> rightear' in out
    assert out.endswith('then run: vitpose train mouse\n')
    assert len(Path('mouse/config.py').read_text().splitlines()) <= 20
    assert cfg.predict == dict(boxes='file')  # the labels have boxes
    assert cfg.work_dir == 'work_dirs/mouse'
    assert cfg.default_hooks.checkpoint.save_best == 'mouse/EPE'
    assert cfg.model.head.out_channels == 4
    parts = [unread(each) for each in (plain(cfg), cfg.val_dataloader.dataset)]
    for part in parts:
        part.full_init()
        assert all(Path(part.get_data_info(i)['img_path']).is_file() for i in range(len(part)))
    pictures = [{part.get_data_info(i)['img_path'] for i in range(len(part))} for part in parts]
    assert [len(each) for each in pictures] == [2, 1]
    assert not pictures[0] & pictures[1]
    held_out = Path('mouse/held_out.txt').read_text().split()
    assert [Path(name).name for name in held_out] == [Path(name).name for name in pictures[1]]
    info = parts[0].metainfo
    assert list(info['flip_indices']) == [0, 2, 1, 3]
    assert [tuple(link) for link in info['skeleton_links']] == [(0, 1), (0, 2), (0, 3)]


def test_the_labels_are_trained_as_they_were_read(labels):
    cfg = make(*labels, '--boxes', 'points')
    part = unread(cfg.val_dataloader.dataset)
    part.full_init()
    given = json.loads(Path(labels[0]).read_text())
    names = {image['id']: image['file_name'] for image in given['images']}
    for i in range(len(part)):
        info = part.get_data_info(i)
        points = np.c_[info['keypoints'][0], 2 * info['keypoints_visible'][0]]
        same = [
            np.array(one['keypoints']).reshape(-1, 3)
            for one in given['annotations']
            if info['img_path'].endswith(names[one['image_id']])
        ]
        assert any(np.allclose(points, each, atol=1e-3) for each in same)
        labelled = points[points[:, 2] > 0, :2]
        x1, y1, x2, y2 = info['bbox'][0]
        assert (labelled >= [x1, y1]).all()
        assert (labelled <= [x2, y2]).all()


def test_flips_are_off_in_training_and_in_tests_together(single):
    with_partners = make(*single)
    assert 'RandomFlip' in augmentation(with_partners)
    assert with_partners.model.test_cfg.flip_test
    without = make(*single, '--no-flip', '--force')
    assert 'RandomFlip' not in augmentation(without)
    assert not without.model.test_cfg.flip_test
    given = make(*single, '--swap', 'snout=tailbase', '--force')
    info = unread(given.val_dataloader.dataset).metainfo
    assert list(info['flip_indices']) == [3, 2, 1, 0]  # the ears are guessed


def test_two_looks(single):
    cfg = make(*single, '--boxes', 'refine')
    assert cfg.predict == dict(boxes='refine')
    steps = [step['type'] for step in plain(cfg).pipeline]
    assert steps.index('RandomWholePicture') < steps.index('RandomBBoxTransform')
    assert 'RandomWholePicture' not in {s['type'] for s in cfg.val_dataloader.dataset.pipeline}
    paddings = {
        step['padding']
        for step in [*plain(cfg).pipeline, *cfg.val_dataloader.dataset.pipeline]
        if 'padding' in step
    }
    assert paddings == {1.1}
    h, w = cfg.model.backbone.input_hw
    assert h < w  # as the pictures


def test_initial_weights_set_the_size(single):
    cfg = make(*single, '--pretrained', str(TINY), '--expert', 'ap10k')
    start = cfg.model.backbone.init_cfg
    assert start == dict(type='PretrainedBackbone', checkpoint=str(TINY), expert='ap10k')
    assert cfg.model.backbone.arch == 'tiny'


def test_the_folder_can_be_moved_with_its_pictures(labels, tmp_path, monkeypatch):
    make(*labels)
    assert str(tmp_path) not in Path('mouse/dataset.py').read_text()
    for name in ('mouse', 'pictures'):
        shutil.move(name, tmp_path / "Bob's new place" / name)
    monkeypatch.chdir('/')
    cfg = load_config(str(tmp_path / "Bob's new place/mouse/config.py"))
    part = unread(cfg.val_dataloader.dataset)
    part.full_init()
    assert Path(part.get_data_info(0)['img_path']).is_file()


def test_the_entry_is_also_one_of_several_datasets(labels):
    """The design's promise: a new dataset is one file, and its name in one config."""
    main(['new-dataset', 'mouse', *labels])
    text = Path('mouse/dataset.py').read_text()
    base = load_config('vitpose-plus-tiny_figures-256x192').to_dict()
    base |= Config.fromstring(
        text.replace('{{ fileDirname }}', str(Path('mouse').absolute())), '.py'
    )
    sections = multi_dataset_config(base, ['coco', 'mouse'])
    heads = sections['model']['head']['heads']
    assert [head['dataset'] for head in heads] == ['coco', 'mouse']
    assert sections['model']['backbone']['ffn']['num_experts'] == 2
    [_, mouse] = sections['train_dataloader']['dataset']['datasets']
    part = unread(mouse)
    part.full_init()
    assert len(part) >= 2
    assert 'RandomHalfBody' not in {step['type'] for step in mouse['pipeline']}


def test_the_same_seed_holds_out_the_same_pictures(labels):
    def held_out(*words):
        main(['new-dataset', 'mouse', *labels, '--force', *words])
        return Path('mouse/held_out.txt').read_text()

    same = [held_out('--split', 'random', '--seed', '3') for _ in range(2)]
    assert same[0] == same[1]
    assert len({held_out('--split', 'random', '--seed', str(seed)) for seed in range(4)}) > 1
    listed = same[0]
    Path('list.txt').write_text(listed)
    assert held_out('--held-out', 'list.txt') == listed


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (['--boxes', 'refine'], 'The labels have up to 2 instances in a picture'),
        (['--boxes', 'whole'], 'The labels have up to 2 instances in a picture'),
        (['--swap', 'snout=nose'], "--swap snout=nose: the labels have no keypoint 'nose'"),
        (['--swap', 'snout=leftear', 'leftear=rightear'], '--swap names leftear twice'),
        (['--links', 'snout=nose'], "--links snout=nose: the labels have no keypoint 'nose'"),
        (['--held-out', 'list.txt', '--split', 'film'], '--held-out names the pictures: leave out'),
        (['--pretrained', 'fine.pth'], 'fine.pth has the size tiny and patches of 8 pixels, but'),
        (['--held-out', 'nothing.txt'], 'nothing.txt (held-out pictures) cannot be read'),
        (['--expert', 'coco'], '--expert is for initial weights'),
        (['--pretrained', 'nothing.pth'], 'The checkpoint nothing.pth does not exist'),
        (['--out', 'taken'], 'taken contains notes.txt, which new-dataset does not write'),
        (['--out', 'taken', '--force'], 'taken contains notes.txt'),
        (['--out', 'taken/notes.txt'], 'taken/notes.txt is a file'),
        (['--out', 'old'], 'old exists: give another --out, or replace it with --force'),
    ],
)
def test_wrong_arguments_are_one_sentence_and_nothing_is_written(words, message, labels, capsys):
    write_start('fine.pth', patch=dict(kernel_size=8, stride=8))
    for folder, name in (('taken', 'notes.txt'), ('old', 'config.py')):
        Path(folder).mkdir()
        Path(folder, name).write_text('mine')
    before = sorted(Path().rglob('*'))
    with pytest.raises(SystemExit) as stop:
        main(['new-dataset', 'mouse', *labels, *words])
    assert stop.value.code == 2
    assert capsys.readouterr().err.startswith(f'error: {message}')
    assert sorted(Path().rglob('*')) == before


@pytest.mark.parametrize(
    'name', ['my-mouse', '2mice', 'class', '_base_', 'model', 'work_dir', 'text']
)
def test_a_name_that_a_config_cannot_have_is_refused(name, labels, capsys):
    with pytest.raises(SystemExit) as stop:
        main(['new-dataset', name, *labels])
    assert stop.value.code == 2
    assert re.search(f'name .*{name}', capsys.readouterr().err)


def test_a_folder_is_replaced_completely(labels):
    make(*labels)
    Path('mouse/dataset.py').write_text('changed')
    make(*labels, '--force')
    assert 'def mouse_metainfo' in Path('mouse/dataset.py').read_text()
    assert sorted(path.name for path in Path().iterdir()) == ['mouse', 'pictures']


def test_the_choices_are_the_names_of_the_classes():
    assert tuple(LOOKS) == new_dataset_options.BOXES
    assert tuple(SPLITS) == new_dataset_options.SPLITS


def test_links_are_added_to_those_of_the_labels(labels):
    cfg = make(*labels, '--links', 'leftear=rightear', 'snout=leftear')
    links = unread(cfg.val_dataloader.dataset).metainfo['skeleton_links']
    assert [tuple(link) for link in links] == [(0, 1), (0, 2), (0, 3), (1, 2)]


def test_the_config_of_a_dataset_is_not_overwritten_by_its_training(labels, capsys):
    make(*labels)
    before = Path('mouse/config.py').read_text()
    with pytest.raises(SystemExit):
        main(['train', 'mouse', '--work-dir', 'mouse'])
    assert 'mouse is the folder of the dataset, whose config.py would be' in capsys.readouterr().err
    assert Path('mouse/config.py').read_text() == before


def test_predict_with_the_folder_of_a_dataset_names_the_training_folder(labels, capsys):
    make(*labels)
    with pytest.raises(SystemExit):
        main(['predict', 'pictures', '--model', 'mouse'])
    message = (
        'mouse is the folder of a dataset: give its training folder, for example work_dirs/mouse'
    )
    assert message in capsys.readouterr().err
