"""The bar of a training: what it shows, and that it changes neither the log nor the training."""

import io
import json
import logging
import os
from contextlib import redirect_stderr
from pathlib import Path
from types import SimpleNamespace

import pytest
from mmengine.logging import HistoryBuffer
from rich.console import Console

from tests.helpers.terminals import screen
from tests.helpers.trainings import assert_same_end
from vitpose_plus.engine import hooks
from vitpose_plus.engine.hooks import ProgressHook, shown_progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def runner(**others):
    loss = HistoryBuffer([4.0, 1.0, 3.0], [1, 1, 1])
    return SimpleNamespace(
        iter=0,
        max_iters=10,
        logger=SimpleNamespace(handlers=[]),
        log_processor=SimpleNamespace(window_size=2),
        message_hub=SimpleNamespace(log_scalars={'train/loss': loss}),
        val_dataloader=range(3),
        **others,
    )


@pytest.fixture
def terminal():
    console = Console(file=Terminal(), force_terminal=True, width=120, highlight=False)
    return console, ProgressHook(console)


def test_the_time_left_includes_validations_and_slow_iterations(terminal):
    """Nine of ten iterations take 40 s each, one of them with a validation of 90 s."""
    _, hook = terminal
    clock, run = [0.0], runner()
    hook.bar.get_time = lambda: clock[0]
    with hook:
        hook.before_train(run)
        for run.iter in range(6):
            clock[0] += 130 if run.iter == 3 else 40
            hook.after_train_iter(run, run.iter)
        [task] = hook.bar.tasks
        assert (task.completed, task.total) == (6, 10)
        assert task.time_remaining == pytest.approx(4 * (5 * 40 + 90) / 5, abs=1)


def test_a_resumed_training_begins_at_its_iteration(terminal):
    _, hook = terminal
    run = runner()
    run.iter = 4
    with hook:
        hook.before_train(run)
        assert hook.bar.tasks[0].completed == 4
        assert hook.bar.tasks[0].speed is None


def test_the_bar_shows_loss_and_metrics_of_every_dataset(terminal):
    console, hook = terminal
    run, metrics = runner(), {'coco/AP': 0.4123, 'coco/AR': 0.5, 'mpii/PCK': 55.25}
    with hook:
        hook.before_train(run)
        run.iter = 9
        hook.after_train_iter(run, 9)
        hook.after_val_epoch(run, metrics)
        hook.due = 0.0
        hook.after_val_iter(run, 1)
    first, second = screen(console.file.getvalue().replace('\n', '\r\n'))[:2]
    assert first.startswith('loss 2.00e+00 ')  # the mean of the last two
    assert '10/10 iterations' in first
    known = 'after iteration 9: coco/AP 0.412, mpii/PCK 55.2'
    assert second.rstrip() == f'validating: 2/3 batches; {known}'


@pytest.mark.parametrize(
    ('error', 'is_main', 'variables'),
    [
        (io.StringIO(), True, {'FORCE_COLOR': '1'}),
        (Terminal(), False, {}),
        (Terminal(), True, {'TERM': 'dumb'}),
    ],
    ids=['no terminal', 'another process', 'dumb terminal'],
)
def test_there_is_no_bar_without_a_terminal(error, is_main, variables, monkeypatch):
    monkeypatch.setattr(hooks, 'is_main_process', lambda: is_main)
    monkeypatch.setenv('TERM', 'xterm')
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with redirect_stderr(error), shown_progress(None):  # no runner: nothing is registered
        print('line', file=error)
    assert error.getvalue() == 'line\n'


def test_a_log_that_goes_to_a_file_keeps_every_line(terminal, monkeypatch):
    """``train > log.txt``: standard output is a file, and the bar is on standard error."""
    _, hook = terminal
    file, run = io.StringIO(), runner()
    monkeypatch.setattr('sys.stdout', file)
    run.logger.handlers = [logging.StreamHandler(file)]
    with hook:
        hook.before_train(run)
        assert run.logger.handlers[0].stream is file
        assert run.logger.handlers[0].filters == []


def test_a_forked_process_writes_to_the_terminal_itself(terminal):
    console, _ = terminal
    file = io.StringIO()
    proxy = hooks._AboveBar(console, file)
    proxy.write('above\n')
    assert (file.getvalue(), console.file.getvalue()) == ('', 'above\n')
    proxy.process = os.getpid() + 1
    proxy.write('own')
    proxy.flush()
    assert (file.getvalue(), console.file.getvalue()) == ('own', 'above\n')


@pytest.mark.forks
@pytest.mark.usefixtures('trainings')
def test_a_training_on_a_terminal_shows_one_bar_and_is_the_same(shown):
    assert_same_end('whole', 'shown')
    lines = screen(shown)
    assert shown.endswith('\x1b[?25h')  # the cursor is shown again
    bars = [line for line in lines if line.startswith('loss ')]
    assert len(bars) == 1
    assert '12/12 iterations' in bars[0]
    assert lines[lines.index(bars[0]) + 1].startswith('after iteration 12: coco/AP 0')
    text = '\n'.join(lines)
    assert text.count('Epoch(val)') == 2
    assert 'Epoch(train)' not in text
    assert text.count('Average Precision') == 2 * 5  # printed, not logged
    assert sum('WARNING' in line for line in lines) > 0
    [log] = Path('shown').glob('*/*.log')
    assert log.read_text().count('Epoch(train)') == 12
    [scalars] = Path('shown').glob('*/vis_data/scalars.json')
    assert len([json.loads(line) for line in scalars.read_text().splitlines()]) == 12 + 2
