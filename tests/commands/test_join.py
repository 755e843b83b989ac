"""The commands ``join`` and ``split --part``: files, their configs, and bad input."""

import shutil
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope

from tests.helpers.demo import TINY
from tests.helpers.models import SIX, same
from tests.helpers.parts import kept, renamed, six
from tests.helpers.tiny_figures import FILE
from vitpose_plus.checkpoints import reading, writing
from vitpose_plus.checkpoints.parts import read_part, take_part, write_part
from vitpose_plus.commands import main
from vitpose_plus.export.describing import Options, describe
from vitpose_plus.inference import models


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    """The six, a ViTPose+ of five with its config beside it, and parts."""
    init_default_scope('mmpose')
    folder = tmp_path_factory.mktemp('parts')
    state, cfg = six()
    shutil.copy(FILE, folder / 'six.pth')
    writing.write_pair(folder / 'five.pth', *kept(state, cfg, SIX[:-1]))
    (folder / 'run').mkdir()
    one, one_cfg = kept(state, cfg, SIX[-1:])
    writing.write(folder / 'run' / 'best.pth', one)
    one_cfg.dump(folder / 'run' / 'config.py')
    write_part(folder / 'fly.pth', renamed(take_part(state, cfg, 'aic'), 'fly'))
    return folder


@pytest.fixture
def parts(made, workplace):
    """A copy of these files in the current folder."""
    shutil.copytree(made, workplace, dirs_exist_ok=True)
    return workplace


def test_a_part_of_a_training_brings_its_data(parts):
    main(['join', 'five.pth', 'run/best.pth', 'out.pth'])
    same(reading.read('out.pth'), reading.read(FILE))
    cfg, expected = Config.fromfile('out.py'), six()[1]
    for split in ('train', 'val', 'test'):
        name = f'{split}_dataloader'
        assert cfg[name].dataset == expected[name].dataset
    assert cfg.test_evaluator == expected.test_evaluator
    assert cfg.datasets == expected.datasets


def test_the_other_commands_read_a_joined_file(parts):
    main(['join', 'six.pth', 'fly.pth', 'out.pth', '--config', TINY])
    model = models.load('out.py', 'out.pth')
    assert list(model.skeletons) == [*SIX, 'fly']
    assert describe(model, Options()).names == (*SIX, 'fly')
    assert set(Config.fromfile('out.py').datasets) == {*SIX, 'fly'}  # train and test need them
    main(['split', 'out.pth', '--part', 'fly', 'again.pth'])
    first, again = read_part('fly.pth'), read_part('again.pth')
    assert again.settings == first.settings
    assert again.shared == first.shared
    same(again.expert, first.expert)
    same(again.head, first.head)
    main(['split', 'out.pth', 'fly', 'plain.pth'])
    plain = models.load('plain.py', 'plain.pth')
    assert plain.skeletons['fly'].names == model.skeletons['fly'].names
    main(['convert', 'out.pth', 'official.pth', '--target', 'official', '--config', 'out.py'])
    main(['convert', 'official.pth', 'back.pth', '--config', 'out.py'])
    same(reading.read('back.pth'), reading.read('out.pth'))


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (
            ['split', 'five.pth', 'x.pth'],
            'Give either DATASET, to write its plain model, or --part',
        ),
        (['split', 'five.pth', 'coco', 'x.pth', '--part', 'coco'], 'Give either DATASET, to wri'),
        (['split', 'five.pth', 'x.pth', '--part', 'cow'], "no head for the dataset 'cow': it has"),
        (['split', 'six.pth', 'coco', 'x.pth'], 'There is no config beside six.pth (six.py, or'),
        (['join', 'six.pth', 'fly.pth', 'x.pth'], 'There is no config beside six.pth (six.py, or'),
        (['join', 'five.pth', 'six.pth', 'x.pth'], 'six.pth is no part file, and no config of'),
        (
            ['join', 'five.pth', 'five.pth', 'x.pth'],
            'five.pth is a model of 5 named datasets: take',
        ),
        (['join', 'five.pth', 'no.pth', 'x.pth'], 'no.pth does not exist: check its path'),
        (['join', 'five.pth', 'fly.pth', 'x.py'], 'x.py is the name of the config that is written'),
        (['join', 'five.pth', 'fly.pth', 'six.pth'], 'six.pth exists: give another name'),
        (['join', 'five.pth', 'fly.pth', 'fly.pth', '--force'], 'fly.pth is the file that is read'),
    ],
)
def test_bad_input(words, message, parts, capsys):
    before = sorted(parts.rglob('*'))
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 2
    error = capsys.readouterr().err.strip()
    assert message in error, error
    assert error.count('\n') == 0
    assert sorted(parts.rglob('*')) == before


def test_a_wrong_config_of_the_training_is_named(parts, capsys):
    Path('run/config.py').write_text('model = 1 +')
    with pytest.raises(SystemExit):
        main(['join', 'five.pth', 'run/best.pth', 'out.pth'])
    assert 'run/config.py' in capsys.readouterr().err
