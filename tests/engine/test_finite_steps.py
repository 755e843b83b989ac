"""A picture with NaN changes nothing. A training that diverges ends and keeps its good files."""

import signal
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmcv.transforms import BaseTransform
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper
from mmengine.registry import HOOKS, OPTIM_WRAPPERS
from mmpose.registry import TRANSFORMS

from tests.helpers.trainings import (
    ITERS,
    files,
    finished,
    train,
    two_processes,
    write_config,
)
from vitpose_plus.checkpoints import reading
from vitpose_plus.commands import main
from vitpose_plus.engine.finite_steps import Batch, FiniteStepsHook
from vitpose_plus.engine.signals import NUMBERS
from vitpose_plus.errors import RunError

pytestmark = pytest.mark.forks


@TRANSFORMS.register_module()
class BreakTargets(BaseTransform):
    """Makes the targets of one person NaN."""

    def __init__(self, person: int) -> None:
        self.person = person

    def transform(self, results: dict) -> dict:
        if results['id'] == self.person:
            results['heatmaps'][:] = np.nan
        return results


@OPTIM_WRAPPERS.register_module()
class ScaledOptimWrapper(OptimWrapper):
    """Scales losses as mmengine's AmpOptimWrapper does, but also on a CPU."""

    def __init__(self, init_scale: float = 2.0**16, **others) -> None:
        super().__init__(**others)
        self.loss_scaler = torch.amp.GradScaler('cpu', init_scale)

    def backward(self, loss, **kwargs) -> None:
        self.loss_scaler.scale(loss).backward(**kwargs)
        self._inner_count += 1

    def step(self, **kwargs) -> None:
        self.loss_scaler.unscale_(self.optimizer)
        self._clip_grad()
        self.loss_scaler.step(self.optimizer, **kwargs)
        self.loss_scaler.update()


@HOOKS.register_module()
class BreakWeightsHook(Hook):
    """Sets a weight to NaN in the second epoch, as an optimiser could."""

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        if runner.iter == ITERS - 1:
            next(runner.model.parameters()).data.view(-1)[0] = torch.nan


@HOOKS.register_module()
class StatesHook(Hook):
    """Stores weights, statistics and the optimiser's state after every iteration."""

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
    """Has its own name: two trainings of one name that begin in the same second share a log."""
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


@pytest.mark.parametrize(
    'option', ['optim_wrapper.clip_grad=None', 'optim_wrapper.type=ScaledOptimWrapper']
)
def test_a_broken_picture_is_named_and_changes_nothing(config, option, capsys):
    handlers = [signal.getsignal(number) for number in NUMBERS]
    main(['train', config, '--work-dir', 'out', '--cfg-options', option])
    assert [signal.getsignal(number) for number in NUMBERS] == handlers
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


def test_ten_left_out_steps_in_a_row_end_the_run(config, capsys):
    options = ['--cfg-options', 'optim_wrapper.optimizer.lr=1e30', 'train_cfg.max_epochs=3']
    with pytest.raises(SystemExit) as stopped:
        main(['train', config, '--work-dir', 'out', *options])
    assert stopped.value.code == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith('error: 10 steps in a row, the last in iteration 1')
    assert all(reading.read(path) for path in Path('out').glob('*.pth'))


def test_overflows_of_a_loss_scaler_do_not_count(figures, tmp_path, monkeypatch):
    """All steps are left out, more than the patience allows, but the run ends normally."""
    monkeypatch.chdir(tmp_path)
    more = "optim_wrapper.update(type='ScaledOptimWrapper', init_scale=float('inf'))"
    finished(train(write_config(figures, 'overflow.py', more), 'out', '--no-validate'))
    assert files('out') == ['epoch_1.pth', 'epoch_2.pth', 'last_checkpoint']


def test_weights_that_are_not_finite_are_not_saved(figures, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    config = write_config(figures, 'broken.py', "custom_hooks = [dict(type='BreakWeightsHook')]")
    with pytest.raises(SystemExit, match='1'):
        main(['train', config, '--work-dir', 'out'])
    last = capsys.readouterr().err.splitlines()[-1]
    assert 'epoch_2.pth is not saved: resume from ' in last
    assert files('out') == ['epoch_1.pth', 'last_checkpoint']


def test_a_finite_step_resets_the_count():
    hook = FiniteStepsHook()
    hook.wrapper = SimpleNamespace(should_update=lambda: True)
    runner = SimpleNamespace(iter=0, logger=SimpleNamespace(warning=lambda text: None))

    def steps(finite, number):
        for _ in range(number):
            hook.finite, hook.batches = finite, [Batch(None)]
            hook.after_train_iter(runner, 0)

    steps(False, 9)
    steps(True, 1)
    steps(False, 9)
    with pytest.raises(RunError, match='10 steps in a row'):
        steps(False, 1)


def test_two_processes_leave_out_the_same_steps(config):
    """Only one of them gets the broken picture."""
    words = ['--launcher', 'pytorch', '--cfg-options', 'train_dataloader.batch_size=1']
    first, second = [train(config, 'two', *words, **each) for each in two_processes()]
    assert finished(first).count('its step is left out') == 2
    finished(second)
    assert reading.read('two/epoch_2.pth')
