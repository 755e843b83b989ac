"""Two processes with different datasets train as one process with all datasets."""

import pytest
import torch

from tests.helpers.processes import HELPERS, launch
from vitpose_plus.commands import main

DATASETS = ['coco', 'aic', 'mpii', 'ap10k', 'apt36k', 'coco_wholebody']
# Two iterations; one process gets the left half, the other process the right half.
BATCHES = [['coco', 'aic', 'mpii', 'ap10k'], ['mpii', 'mpii', 'coco', 'ap10k']]
HALVES = [[['coco', 'aic'], ['mpii', 'mpii']], [['mpii', 'ap10k'], ['coco', 'ap10k']]]


@pytest.fixture
def config(tiny_config):
    """The demo's config with fixed batches, no random augmentation, and plain gradient steps."""
    cfg = tiny_config
    for part in cfg.train_dataloader.dataset.datasets:
        part.pipeline = [t for t in part.pipeline if not t.type.startswith('Random')]
    cfg.train_dataloader.sampler = dict(type='GivenSampler', batches=BATCHES)
    cfg.optim_wrapper.optimizer = dict(type='SGD', lr=1.0, weight_decay=0.0)
    cfg.param_scheduler = []
    cfg.train_cfg.max_epochs = 1
    cfg.custom_imports.imports.append('probe')
    cfg.custom_hooks = [dict(type='ProbeHook')]
    cfg.randomness = dict(seed=0)
    cfg.dump('given.py')
    return 'given.py'


def train(config, processes):
    """Trains, and returns the reports of all processes."""
    command = ['train', config, '--no-validate', '--work-dir', f'of_{processes}']
    command += ['--cfg-options', f'train_dataloader.batch_size={4 // processes}']
    if processes == 1:
        main(command)
    else:
        launch(processes, ['-m', 'vitpose_plus', *command, '--launcher', 'pytorch'])
    return [torch.load(f'of_{processes}/report_{rank}.pth') for rank in range(processes)]


def changed(report):
    """Returns the datasets whose head or experts have changed."""
    names = set()
    for name, after in report['after'].items():
        moved = after != report['before'][name]
        if '.experts.' in name:
            names |= {DATASETS[i] for i in moved.flatten(1).any(1).nonzero()}
        elif name.startswith('head.heads.') and moved.any():
            names.add(name.split('.')[2])
    return names


def test_two_processes_with_different_datasets_train_as_one(config, monkeypatch):
    monkeypatch.syspath_prepend(HELPERS)
    one, two = train(config, 1), train(config, 2)

    assert [report['seen'] for report in one] == [BATCHES]
    assert [report['seen'] for report in two] == HALVES
    for report in (*one, *two):
        assert changed(report) == {'coco', 'aic', 'mpii', 'ap10k'}
    [one] = one
    for name, before in one['before'].items():
        left, right = (report['after'][name] for report in two)
        assert torch.equal(two[0]['before'][name], before), name
        assert torch.equal(left, right), name
        change = one['after'][name] - before
        # Rounding of the gradients, and of the parameters, which are far larger than the change.
        rounding = torch.finfo(before.dtype).eps / 2 * before.norm()
        assert (left - before - change).norm() <= 1e-4 * change.norm() + rounding, name
