"""A training keeps the best checkpoint by the first number of its validation."""

import re
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from mmpose.registry import DATASETS, EVALUATORS

from tests.helpers.demo import ROOT, TINY
from vitpose_plus.checkpoints import reading
from vitpose_plus.engine import preflight
from vitpose_plus.experiments.catalogue import find_config
from vitpose_plus.experiments.splitting import split_config


def train(cfg, **changes):
    """Trains one epoch of two pictures a dataset, validates, and returns the checkpoints."""
    cfg.work_dir = 'out'
    cfg.train_cfg.update(max_epochs=1, val_interval=1)
    cfg.model.test_cfg.flip_test = False
    for split in ('train', 'val'):
        dataset = cfg[f'{split}_dataloader'].dataset
        for part in dataset.get('datasets', [dataset]):
            part.indices = 2
            part.pop('bbox_file', None)
    cfg.merge_from_dict(changes)
    Runner.from_cfg(cfg).train()
    return sorted(path.name for path in Path('out').glob('*.pth'))


def test_the_first_of_several_datasets_chooses_the_best(tiny_config):
    assert train(tiny_config) == ['best_coco_AP_epoch_1.pth', 'epoch_1.pth']
    best, last = (reading.read(f'out/{name}epoch_1.pth') for name in ('best_coco_AP_', ''))
    assert best.keys() == last.keys()
    assert all(torch.equal(best[name], last[name]) for name in last)


def test_the_lines_of_the_results_page_validate_on_coco_only(workplace):
    page = (ROOT / 'docs' / 'results.md').read_text()
    [lines] = re.findall(r'```python\n(_base_ = .*?)```', page, re.DOTALL)
    [parent] = re.findall(r"_base_ = '(.*)'", lines)
    Path('coco_only.py').write_text(lines.replace(parent, find_config(TINY)))
    cfg = Config.fromfile('coco_only.py', format_python_code=False)
    preflight.check(cfg, ('train', 'val'))
    evaluator, data = (
        EVALUATORS.build(cfg.val_evaluator),
        DATASETS.build(cfg.val_dataloader.dataset),
    )
    evaluator.dataset_meta = data.metainfo
    assert evaluator.names == data.names == ['coco']


@pytest.mark.parametrize(('dataset', 'metric'), [('mpii', 'PCK'), ('ap10k', 'AP')])
def test_the_metric_of_a_split_dataset_chooses_the_best(tiny_config, dataset, metric):
    files = train(split_config(tiny_config, dataset))
    assert files == [f'best_{dataset}_{metric}_epoch_1.pth', 'epoch_1.pth']
    assert all(reading.read(f'out/{name}') for name in files)  # the score in them is plain data


def test_without_validation_only_the_last_checkpoint_is_kept(tiny_config):
    nothing = dict(val_cfg=None, val_dataloader=None, val_evaluator=None)
    cfg = split_config(tiny_config, 'coco')
    assert train(cfg, **nothing) == ['epoch_1.pth']


CHILD = """
_base_ = ['{parent}', '{folder}/datasets/aic.py']
from vitpose_plus.experiment import single_dataset

model, train_dataloader, val_dataloader, test_dataloader, val_evaluator, test_evaluator = (
    single_dataset('aic', _base_.aic, _base_.crops, [], input_hw=(128, 96), sigma=1.5,
                   data_root='work_dirs/demo/figures')
)
"""


def test_the_metric_of_a_child_config_chooses_the_best_also_after_resuming(workplace):
    parent = Path(find_config('vitpose-tiny_figures-128x96'))
    Path('child.py').write_text(CHILD.format(parent=parent, folder=parent.parents[1]))
    cfg = Config.fromfile('child.py', format_python_code=False)
    assert train(cfg) == ['best_aic_AP_epoch_1.pth', 'epoch_1.pth']
    # The second epoch changes nothing: a checkpoint that is not better is not saved as the best.
    cfg = Config.fromfile('child.py', format_python_code=False)
    still = dict(resume=True, param_scheduler=[], optim_wrapper=dict(optimizer=dict(lr=0.0)))
    files = train(cfg, **still, train_cfg=dict(max_epochs=2))
    assert files == ['best_aic_AP_epoch_1.pth', 'epoch_1.pth', 'epoch_2.pth']
