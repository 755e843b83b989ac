"""After a signal the running iteration ends, the training is saved, and all processes end."""

import os
import signal
import time
from pathlib import Path

import pytest
from mmengine.fileio import LocalBackend
from mmengine.runner import ValLoop

from tests.helpers.trainings import (
    assert_same_end,
    files,
    finished,
    interrupted,
    train,
    two_processes,
    write_config,
)

pytestmark = [pytest.mark.forks, pytest.mark.usefixtures('trainings')]


def none_left(child):
    """Checks that all processes of the child's group have ended."""
    with pytest.raises(ProcessLookupError):
        os.killpg(child.pid, 0)


WORKERS = ['train_dataloader.num_workers=2', 'train_dataloader.persistent_workers=True']


@pytest.mark.parametrize(
    ('name', 'code', 'group', 'words'),
    [
        ('SIGTERM', 143, True, ['--cfg-options', *WORKERS]),
        ('SIGUSR1', 143, False, []),
        ('SIGINT', 130, True, ['--cfg-options', *WORKERS]),
    ],
)
def test_a_signal_saves_and_ends(name, code, group, words):
    child = interrupted(getattr(signal, name), 3, 'small.py', name, *words, group=group)
    last = finished(child, code).splitlines()[-1]
    assert last.endswith(
        f'Stopped by {name} after iteration 4 of 12: all is saved in {os.path.abspath(name)}/'
        'iter_4.pth; continue with --resume.'
    )
    assert files(name) == ['iter_4.pth', 'last_checkpoint']
    none_left(child)
    if name == 'SIGTERM':
        finished(train('small.py', name, '--resume'))
        assert_same_end('whole', name)
        assert files(name) == files('whole')


def test_a_signal_in_a_validation_ends_it():
    """The training is saved before the validation, which runs after the training is resumed."""
    every = ['train_cfg.val_interval=1', 'default_hooks.checkpoint.interval=10']
    workers = ['val_dataloader.num_workers=2', 'val_dataloader.persistent_workers=True']
    words = ['--cfg-options', *every, *workers]
    # Each worker has given a batch: a signal that arrives while a worker starts ends this worker.
    options = dict(loop=ValLoop, after=1, group=True)
    child = interrupted(signal.SIGTERM, 6, 'small.py', 'validation', *words, **options)
    last = finished(child, 143).splitlines()[-1]
    assert 'Stopped by SIGTERM after iteration 6 of 12: all is saved in ' in last
    assert files('validation') == ['iter_6.pth', 'last_checkpoint']
    finished(train('small.py', 'validation', '--resume', *words))
    assert_same_end('whole', 'validation')
    assert files('validation') == ['best_coco_AP_epoch_1.pth', 'epoch_2.pth', 'last_checkpoint']


def test_signals_end_the_process_without_the_hook_that_handles_them():
    plain = ['--cfg-options', 'default_hooks.checkpoint.type=CheckpointHook']
    child = interrupted(signal.SIGTERM, 3, 'small.py', 'plain', *plain)
    finished(child, -signal.SIGTERM)


def test_a_second_ctrl_c_ends_at_once():
    printed = finished(interrupted(signal.SIGINT, 3, 'small.py', 'twice', times=2), 130)
    assert printed.splitlines()[-1] == 'error: stopped by Ctrl-C.'
    assert files('twice') == []


ONE_EACH = ['--cfg-options', 'train_dataloader.batch_size=1']
SHARDED = """
runner_type = 'FlexibleRunner'
strategy = dict(
    type='ShardedStrategy',
    model_wrapper=dict(type='MMFullyShardedDataParallel', auto_wrap_policy='is_transformer_layer'),
    state_dict_cfg='full',
)
default_hooks.update(checkpoint_guard=dict(type='ShardedCheckpointGuardHook'))
"""


@pytest.mark.parametrize(('name', 'more'), [('copies', ''), ('shards', SHARDED)])
def test_all_processes_stop_after_the_same_iteration(name, more, figures, monkeypatch):
    """Only one gets the signal, and both save a sharded model. No process ends before all is saved:
    a launcher would kill the other process."""
    put = LocalBackend.put
    monkeypatch.setattr(LocalBackend, 'put', lambda *args: (time.sleep(0.3), put(*args)))
    config = write_config(figures, f'{name}.py', more)
    words = [config, name, '--launcher', 'pytorch', '--no-validate', *ONE_EACH]
    first, second = two_processes()
    children = [interrupted(signal.SIGTERM, 3, *words, **first), train(*words, **second)]
    for child in reversed(children):
        finished(child, 143)
        assert Path(name, 'iter_4.pth').exists()
        none_left(child)
    assert files(name) == ['iter_4.pth', 'last_checkpoint']
    monkeypatch.setattr(LocalBackend, 'put', put)
    for child in [train(*words, '--resume', **each) for each in two_processes()]:
        finished(child)
    assert files(name) == ['epoch_1.pth', 'epoch_2.pth', 'last_checkpoint']
