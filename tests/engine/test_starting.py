"""The weights that a training starts from are downloaded, checked and logged."""

import argparse
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmpose.registry import MODELS

from tests.helpers.demo import TINY
from vitpose_plus.checkpoints import convert
from vitpose_plus.commands import main, train
from vitpose_plus.engine import preflight
from vitpose_plus.engine.runs import load_config
from vitpose_plus.engine.starting import fetch_checkpoints, report_start
from vitpose_plus.errors import UserError


def weights(cfg):
    return MODELS.build(cfg.model).state_dict()


def options(*words):
    parser = argparse.ArgumentParser()
    train.add_arguments(parser)
    return parser.parse_args(['CONFIG', *words])


def started(cfg, path):
    """Returns the weights that the backbone starts from, with the config dumped and read again."""
    cfg = train.configure(cfg, options('--pretrained', path))
    preflight.check_checkpoints(cfg)
    cfg.dump('dumped.py')
    cfg = Config.fromfile('dumped.py', format_python_code=False)
    assert '://' not in cfg.model.backbone.init_cfg.checkpoint
    model = MODELS.build(cfg.model)
    model.init_weights()
    return model.backbone.state_dict()


def test_a_url_gives_the_weights_of_the_file(tiny_config, served):
    folder, address, _ = served
    torch.save(weights(tiny_config), folder / 'w.pth')
    local, fetched = (started(tiny_config, f'{place}/w.pth') for place in (folder, address))
    assert set(local) == set(fetched)
    assert all(torch.equal(local[name], value) for name, value in fetched.items())


def test_mmengine_reads_its_own_addresses_and_a_teacher_is_downloaded_too(served):
    folder, address, _ = served
    torch.save(dict(weight=torch.ones(1)), folder / 'w.pth')
    start = dict(type='Pretrained', checkpoint='torchvision://resnet50')
    teacher = dict(type='RunningTeacher', checkpoint=f'{address}/w.pth')
    cfg = Config(dict(model=dict(backbone=dict(init_cfg=start), teacher=teacher)))
    fetch_checkpoints(cfg)
    assert cfg.model.backbone.init_cfg == start
    assert torch.load(cfg.model.teacher.checkpoint)['weight'] == 1


def test_another_layout_is_refused_as_load_from_also_over_http(tiny_config, served, tmp_path):
    folder, address, _ = served
    torch.save(convert(weights(tiny_config), target='official').state_dict, folder / 'w.pth')
    texts = []
    for place in (folder, address):
        tiny_config.load_from = f'{place}/w.pth'
        with pytest.raises(UserError, match='convert IN OUT --source official') as error:
            preflight.check_checkpoints(tiny_config)
        path, _, text = str(error.value).partition(' ')
        assert path.startswith(str(tmp_path))
        texts.append(text)
    assert texts[0] == texts[1]


@pytest.mark.parametrize('words', [['train', TINY, '--pretrained'], ['test', TINY]])
def test_a_failed_download_is_one_sentence(words, workplace, served, capsys):
    url = f'{served[1]}/nowhere.pth'
    with pytest.raises(SystemExit) as stop:
        main([*words, url])
    assert stop.value.code == 2
    assert capsys.readouterr().err.startswith(f'error: {url} cannot be downloaded (HTTP Error 404')


BASE, SIX = 'vitpose-base_coco-256x192', 'vitpose-plus-base_six-datasets-256x192'
RANDOM = 'starts from random weights ({} M parameters): give --pretrained CHECKPOINT (docs/weights'


def logged(cfg):
    lines = []
    report_start(cfg, SimpleNamespace(info=lines.append, warning=lines.append))
    return lines


@pytest.mark.parametrize(
    ('name', 'millions'),
    [
        (BASE, 86),
        (SIX, 121),
        ('vitpose-bottomup-base_coco-512x512', 86),
        ('vitpose-small_coco-256x192', 22),
    ],
)
def test_a_large_model_without_weights_is_logged(name, millions):
    [line] = logged(load_config(name))
    assert RANDOM.format(millions) in line


def test_a_small_model_without_weights_is_logged_too():
    assert logged(load_config(TINY)) == [
        'The backbone starts from random weights (1.2 M parameters).'
    ]


def test_a_resnet_is_a_large_model_too():
    cfg = load_config('resnet-50_coco-256x192')
    assert logged(cfg) == []  # it loads torchvision's weights
    cfg = train.configure(cfg, options('--pretrained', 'none'))
    assert 'init_cfg' not in cfg.model.backbone
    assert RANDOM.format(24) in logged(cfg)[0]


@pytest.mark.parametrize(
    ('name', 'settings'),
    [
        ('mae-base_coco-crops-256x192', []),
        (BASE, ['load_from=a.pth']),
        (BASE, ['model.init_cfg.type=Pretrained', 'model.init_cfg.checkpoint=a.pth']),
    ],
)
def test_nothing_is_logged_for(name, settings):
    assert logged(load_config(name, options=settings)) == []


def test_random_weights_can_be_intended(monkeypatch):
    """Other initialisers in the config are kept."""
    lines = []
    logger = SimpleNamespace(warning=lines.append)
    runner = SimpleNamespace(logger=logger, train=lambda: lines.append('trained'))
    monkeypatch.setattr('vitpose_plus.engine.runs.build_runner', lambda *args: runner)
    for words in ([], ['--pretrained', 'none']):
        args = options(*words)
        args.config = BASE
        train.run(args)
    assert RANDOM.format(86) in lines[0]
    assert lines[1:] == ['trained', 'trained']
    initialiser = dict(type='Normal', layer='Linear')
    cfg = load_config(BASE)
    cfg.model.backbone.init_cfg = [initialiser, dict(type='Pretrained', checkpoint='a.pth')]
    cfg = train.configure(cfg, options('--pretrained', 'none'))
    assert cfg.model.backbone.init_cfg == [initialiser]
