"""The examples work: a new dataset is one file and its name in one config; a new attention is one
class and one line.
"""

import ast
import importlib
import json
import re
import runpy
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from tests.helpers import figures_detector
from tests.helpers.processes import environment, run
from tests.helpers.tiny_figures import FILE
from vitpose_plus.commands import main, new_dataset
from vitpose_plus.datasets.figures.films import Film
from vitpose_plus.engine import preflight
from vitpose_plus.experiments.new_dataset.sizing import Machine

PROJECTS = Path(__file__).parents[1] / 'projects'


def runner_of(project, projects=PROJECTS):
    """Runs the checks before a training, and builds the runner of a project for a short epoch."""
    (config,) = (projects / project / 'configs').glob('vitpose*.py')
    cfg = Config.fromfile(config)
    cfg.work_dir = 'out'
    cfg.train_cfg.max_epochs = 1
    for split in ('train', 'val', 'test'):
        cfg[f'{split}_dataloader'].update(num_workers=0, persistent_workers=False, batch_size=16)
    preflight.check(cfg, ('train', 'val', 'test'))
    return Runner.from_cfg(cfg)


@pytest.fixture
def root_in_path(monkeypatch):
    """Adds the root of the repository to the path, as ``python -m`` does in that folder."""
    monkeypatch.syspath_prepend(PROJECTS.parent)


@pytest.fixture
def example(workplace, figures, monkeypatch):
    """The folder of the projects, after the commands that write ``zebra`` have run beside it."""
    (workplace / 'configs').symlink_to(PROJECTS.parent / 'configs')
    shutil.copytree(figures, workplace / 'work_dirs' / 'example_dataset')
    (workplace / 'tests' / 'data').mkdir(parents=True)
    shutil.copy(FILE, workplace / 'tests' / 'data')
    shutil.copytree(PROJECTS / 'example_dataset', workplace / 'projects' / 'example_dataset')
    runpy.run_path('projects/example_dataset/prepare.py')['main']()
    monkeypatch.setattr(new_dataset, 'machine', lambda: Machine(cores=2))
    text = (PROJECTS / 'example_dataset' / 'README.md').read_text()
    [command] = re.findall('^python -m vitpose_plus (new-dataset .+)$', text, re.M)
    main(command.split())
    return workplace / 'projects'


def test_a_new_dataset_trains_together_with_the_six(example):
    runner = runner_of('example_dataset', example)
    before = runner.model.head.heads['zebra'].final_layer.weight.clone()
    assert runner.model.head.names[-1] == 'zebra'
    assert runner.model.backbone.layers[0].ffn.experts.weight.shape[0] == 7
    runner.train()
    assert not before.equal(runner.model.head.heads['zebra'].final_layer.weight)
    metrics = runner.test()
    assert 'zebra/AP' in metrics
    assert 'coco/AP' in metrics


def test_the_files_of_the_example_are_what_the_command_writes(example):
    """The numbers of instances and the sizes of boxes are those of the figures in the README."""

    def lines(path):
        text = path.read_text()
        return re.sub(
            r'# .*|batch_size=\d+|epochs=\d+|warm_up=\d+|repeats=\d+|input_hw=.*', '', text
        )

    for name in ('dataset.py', 'config.py'):
        place = Path('example_dataset', 'zebra', name)
        assert lines(example / place) == lines(PROJECTS / place)


def test_a_new_dataset_is_one_file_and_its_name_in_one_config(example):
    """The config has the file as a base config, and contains the name once more."""
    folder = example / 'example_dataset'
    [config] = (folder / 'configs').glob('*.py')
    code = ast.parse(config.read_text())
    constants = [node.value for node in ast.walk(code) if isinstance(node, ast.Constant)]
    named = [value for value in constants if 'zebra' in str(value)]
    assert named == ['../zebra/dataset.py', 'zebra']
    assert set(Config.fromfile(folder / 'zebra' / 'dataset.py')) == {'zebra'}


def test_a_new_attention_trains(workplace, root_in_path):
    runner = runner_of('example_attention')
    attentions = [layer.attention for layer in runner.model.backbone.layers]
    assert {type(attention).__name__ for attention in attentions} == {'StripeAttention'}
    before = [attention.qkv.weight.clone() for attention in attentions]
    runner.train()
    for was, attention in zip(before, attentions, strict=True):
        assert not was.equal(attention.qkv.weight)
    assert 'coco/AP' in runner.test()


def test_a_token_attends_to_its_row_and_its_column(root_in_path):
    module = importlib.import_module('projects.example_attention.stripe_attention')
    attention = module.StripeAttention(dim=8, num_heads=2, grid_hw=(4, 3))
    x = torch.randn(1, 12, 8, requires_grad=True)
    attention(x, (4, 3))[0, 4].sum().backward()  # row 1, column 1
    seen = x.grad[0].unflatten(0, (4, 3)).abs().sum(-1) > 0
    assert seen.tolist() == [[r == 1 or c == 1 for c in range(3)] for r in range(4)]


@pytest.mark.parametrize('name', ['figures', 'films'])
def test_the_detector_trains(name, workplace, root_in_path):
    """One step on four pictures of each set changes every parameter."""
    frames = importlib.import_module('projects.figures_detector.frames')
    frames.write_frames(frames.ROOT, films=2)
    cfg = Config.fromfile(figures_detector.CONFIGS / f'rtmdet-nano_{name}-320x256.py')
    cfg.work_dir = 'out'
    cfg.train_cfg.max_epochs = 1
    cfg.param_scheduler = []  # no warm-up
    cfg.load_from = None
    cfg.train_dataloader.update(batch_size=8)
    for dataset in cfg.train_dataloader.dataset.get('datasets', [cfg.train_dataloader.dataset]):
        dataset.indices = 4
    runner = Runner.from_cfg(cfg)
    before = {name: p.detach().clone() for name, p in runner.model.named_parameters()}
    runner.train()
    after = dict(runner.model.named_parameters())
    assert not [name for name in before if before[name].equal(after[name])]


def test_frames_of_films_have_a_box_for_every_figure_that_can_be_seen(workplace, root_in_path):
    frames = importlib.import_module('projects.figures_detector.frames')
    frames.write_frames(frames.ROOT, films=2)
    content = json.loads((frames.ROOT / 'boxes_train.json').read_text())
    assert len(list((frames.ROOT / 'train').iterdir())) == len(content['images']) == 12
    assert {each['category_id'] for each in content['annotations']} == {1, 2}
    drawn = Film(frames.SEED, 1, frames.SIZE).draw(0, 0).figures
    seen = [one.box for one in drawn if one.visible >= 0.2 and min(one.box[2:]) >= 8]
    own = [each['bbox'] for each in content['annotations'] if each['image_id'] == 6]
    np.testing.assert_allclose(own, seen)


def test_the_list_contains_every_project():
    listed = (PROJECTS / 'README.md').read_text()
    projects = [readme.parent.name for readme in PROJECTS.glob('*/README.md')]
    assert projects == [name for name in projects if f'({name})' in listed]
    assert {'example_attention', 'example_dataset', 'figures_detector'} <= set(projects)


@pytest.mark.parametrize(
    'path', sorted((PROJECTS.parent / 'vitpose_plus').rglob('*.py')), ids=lambda p: p.stem
)
def test_the_package_never_imports_a_project(path):
    nodes = list(ast.walk(ast.parse(path.read_text())))
    modules = [node.module or '' for node in nodes if isinstance(node, ast.ImportFrom)]
    modules += [a.name for node in nodes if isinstance(node, ast.Import) for a in node.names]
    assert not [module for module in modules if module.split('.')[0] == 'projects']


@pytest.mark.minutes
def test_the_example_is_trained_by_its_commands_alone(tmp_path):
    """Figures of a dataset of their own, from the weights of the demo: the bar is an AP of 0.35."""
    root = PROJECTS.parent
    for name in ('configs', 'tests'):
        (tmp_path / name).symlink_to(root / name)
    shutil.copytree(PROJECTS, tmp_path / 'projects')
    text = (PROJECTS / 'example_dataset' / 'README.md').read_text()
    for command in re.findall('^python (.+)$', text, re.M)[:4]:
        run(sys.executable, *command.split(), cwd=tmp_path, env=environment(PYTHONPATH=str(root)))
    report = json.loads((tmp_path / 'work_dirs/zebra/report.json').read_text())
    print(report['validation'], report['splits']['held_out']['overall'])
    assert report['validation']['zebra/AP'] >= 0.35
