"""``train`` and ``test`` take folders: of ``new-dataset``, and of a training."""

import argparse
from pathlib import Path

import pytest

from vitpose_plus.commands import runs, test
from vitpose_plus.engine.runs import load_config
from vitpose_plus.errors import UserError

CONFIG = "model = dict(type='TopdownPoseEstimator', backbone=dict(type='ViT'))\n"


def options(command, *words):
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return parser.parse_args(words)


@pytest.fixture
def mouse(tmp_path, monkeypatch):
    """A folder as ``new-dataset`` writes it, and the working folder of the test."""
    monkeypatch.chdir(tmp_path)
    folder = Path('data', 'mouse')
    folder.mkdir(parents=True)
    (folder / 'config.py').write_text(CONFIG)
    (folder / 'dataset.py').touch()
    return folder


def write(*paths):
    for path in map(Path, paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(CONFIG)


@pytest.mark.parametrize('name', ['data/mouse', 'data/mouse/', './data/../data/mouse'])
def test_a_folder_is_its_config_with_its_own_training_folder(name, mouse):
    cfg = load_config(name)
    assert Path(cfg.filename).samefile(mouse / 'config.py')
    assert cfg.work_dir == 'work_dirs/mouse'
    (mouse / 'config.py').write_text(f"{CONFIG}work_dir = 'elsewhere/mice'\n")
    assert load_config(name).work_dir == 'elsewhere/mice'
    assert runs.load_config(options(runs, name, '--work-dir', 'w')).work_dir == 'w'


def test_the_working_folder_has_a_name_too(mouse, monkeypatch):
    monkeypatch.chdir(mouse)
    assert load_config('.').work_dir == 'work_dirs/mouse'


def test_the_best_checkpoint_is_tested(mouse):
    folder = Path('work_dirs/mouse')
    best = folder / 'best_mouse_EPE_epoch_3.pth'
    with pytest.raises(UserError, match='work_dirs/mouse has no checkpoint of a training: give'):
        test.load_config(options(test, str(mouse)))
    write(best, folder / 'epoch_4.pth', folder / 'best.pth', folder / 'config.py')
    for name in (mouse, folder):
        cfg = test.load_config(options(test, str(name)))
        assert (cfg.load_from, cfg.work_dir) == (str(best), 'work_dirs/mouse/test')
    assert Path(cfg.filename) == folder / 'config.py'
    cfg = test.load_config(options(test, str(mouse), 'w.pth'))
    assert (cfg.load_from, cfg.work_dir) == ('w.pth', 'work_dirs/mouse/test')


def test_a_training_folder_may_be_moved_and_have_a_config_of_any_name(mouse):
    write('moved/best_coco_AP_epoch_2.pth', 'moved/vitpose.py')
    with open('moved/vitpose.py', 'a') as file:
        file.write(
            "model['backbone']['init_cfg'] = dict(type='PretrainedBackbone', checkpoint='-')\n"
        )
    cfg = test.load_config(options(test, 'moved'))
    assert 'init_cfg' not in cfg.model.backbone  # a test does not need the file of the start
    assert cfg.load_from == 'moved/best_coco_AP_epoch_2.pth'
    assert Path(cfg.filename) == Path('moved/vitpose.py')
