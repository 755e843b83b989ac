"""A picture of NaN changes nothing; a training that diverges ends, and its good files stay."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmcv.transforms import BaseTransform
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmpose.registry import TRANSFORMS

from tests.helpers.trainings import write_config
from vitpose_plus.checkpoints import reading
from vitpose_plus.commands import main


@TRANSFORMS.register_module()
class BreakTargets(BaseTransform):
    """Makes the targets of one person NaN."""

    def __init__(self, person: int) -> None:
        self.person = person

    def transform(self, results: dict) -> dict:
        if results['id'] == self.person:
            results['heatmaps'][:] = np.nan
        return results


@HOOKS.register_module()
class StatesHook(Hook):
    """Notes weights, statistics and optimiser after every iteration."""

    priority = 'LOWEST'
    seen: list = []

    def before_train(self, runner) -> None:
        self.seen.clear()
        self.after_train_iter(runner, -1)

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        state = runner.model.state_dict()
        moments = runner.optim_wrapper.optimizer.state.values()
        values = [*state.values(), *(v for each in moments for v in each.values())]
        self.seen.append([value.clone() for value in values])


@pytest.fixture
def config(figures, tmp_path, monkeypatch):
    """A name of its own: trainings of one name that begin in the same second share their log."""
    monkeypatch.chdir(tmp_path)
    broken = """
train_dataloader['dataset']['pipeline'].insert(-1, dict(type='BreakTargets', person=21))
custom_hooks = [dict(type='StatesHook')]
"""
    return write_config(figures, f'{tmp_path.name}.py', broken)


def changes():
    """For every iteration, whether it changed anything."""
    pairs = zip(StatesHook.seen, StatesHook.seen[1:], strict=False)
    return [len(one) != len(other) or not all(map(torch.equal, one, other)) for one, other in pairs]


@pytest.mark.parametrize('clip', [[], ['optim_wrapper.clip_grad=None']])
def test_a_broken_picture_is_named_and_changes_nothing(config, clip, capsys):
    main(['train', config, '--work-dir', 'out', *(['--cfg-options', *clip] if clip else [])])
    assert changes().count(False) == 2  # once in each epoch
    lines = ''.join(capsys.readouterr()).splitlines()
    [first, second] = [line for line in lines if 'its step is left out' in line]
    number = changes().index(False) + 1
    assert f'The loss or the gradient of iteration {number} is not a finite number' in first
    for line in (first, second):
        pictures = line.split('pictures: ')[1].split(', ')
        assert len(pictures) == 2
        assert '000000000002.jpg' in line
    assert reading.read('out/epoch_2.pth')  # refuses what is not finite


def test_ten_in_a_row_end_the_run(config, capsys):
    options = ['--cfg-options', 'optim_wrapper.optimizer.lr=1e30', 'train_cfg.max_epochs=3']
    with pytest.raises(SystemExit) as stopped:
        main(['train', config, '--work-dir', 'out', *options])
    assert stopped.value.code == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith('error: 10 steps in a row, the last in iteration 1')
    assert all(reading.read(path) for path in Path('out').glob('*.pth'))
