"""The promise: a new dataset is one file and its name in one config."""

import ast
import runpy
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.runner import Runner

from vitpose_plus import preflight

PROJECTS = Path(__file__).parents[1] / 'projects'


def test_a_new_dataset_trains_beside_the_six(workplace, figures):
    runpy.run_path(str(PROJECTS / 'example_dataset' / 'prepare.py'))['main']()
    (config,) = (PROJECTS / 'example_dataset' / 'configs').glob('vitpose*.py')
    cfg = Config.fromfile(config)
    cfg.work_dir = 'out'
    cfg.train_cfg.max_epochs = 1
    for split in ('train', 'val', 'test'):
        cfg[f'{split}_dataloader'].update(num_workers=0, persistent_workers=False, batch_size=16)
    preflight.check(cfg, ('train', 'val', 'test'))
    runner = Runner.from_cfg(cfg)
    before = runner.model.head.heads['zebra'].final_layer.weight.clone()
    assert runner.model.head.names[-1] == 'zebra'
    assert runner.model.backbone.layers[0].ffn.experts.weight.shape[0] == 7
    runner.train()
    assert not before.equal(runner.model.head.heads['zebra'].final_layer.weight)
    metrics = runner.test()
    assert 'zebra/AP' in metrics
    assert 'coco/AP' in metrics


@pytest.mark.parametrize(
    'path', sorted((PROJECTS.parent / 'vitpose_plus').rglob('*.py')), ids=lambda p: p.stem
)
def test_the_package_never_imports_a_project(path):
    nodes = list(ast.walk(ast.parse(path.read_text())))
    modules = [node.module or '' for node in nodes if isinstance(node, ast.ImportFrom)]
    modules += [a.name for node in nodes if isinstance(node, ast.Import) for a in node.names]
    assert not [module for module in modules if module.split('.')[0] == 'projects']
