"""A training that is stopped and resumed ends at the same place as one that was never stopped."""

import copy
from types import SimpleNamespace

import pytest
from mmengine.logging import MessageHub

from tests.helpers.trainings import (
    files,
    finished,
    killed_before,
    saving_always,
    train,
    write_config,
)
from vitpose_plus.engine import ResumableEarlyStoppingHook

SCORES = [9.0, 7.0, 8.0, 7.5, 6.0, 6.5, 7.0, 6.4, 5.0]  # in pixels; patience 3 ends after the 8th


class Training:
    """The parts of a training that the hook uses; each epoch is one validation."""

    def __init__(self, saved=None, **options):
        self.hook = ResumableEarlyStoppingHook('EPE', rule='less', min_delta=0.1, **options)
        hub = MessageHub('early stopping')
        hub.load_state_dict(copy.deepcopy(saved[1]) if saved else MessageHub('new').state_dict())
        self.epoch, self.lines = saved[0] if saved else 0, []
        self.runner = SimpleNamespace(
            iter=self.epoch,
            message_hub=hub,
            train_loop=SimpleNamespace(stop_training=False),
            logger=SimpleNamespace(info=self.lines.append),
        )
        self.hook.before_train(self.runner)

    def run(self, epochs, scores=SCORES):
        """Trains up to an epoch, unless the hook stops it. Returns the last epoch."""
        while self.epoch < epochs and not self.runner.train_loop.stop_training:
            self.hook.after_val_epoch(self.runner, dict(EPE=scores[self.epoch]))
            self.epoch += 1
        return self.epoch

    def saved(self):
        return self.epoch, self.runner.message_hub.state_dict()


@pytest.mark.parametrize('epochs', range(1, 9))
def test_stopped_and_resumed_equals_never_stopped(epochs):
    whole, part = Training(patience=3), Training(patience=3)
    assert whole.run(9) == 8
    part.run(epochs)
    resumed = Training(part.saved(), patience=3)
    assert resumed.run(9) == 8
    sentence = 'The training stops early, as EPE has not improved in 3 validations; its best'
    assert whole.lines == resumed.lines == [f'{sentence} value is 6.']


def test_a_larger_patience_continues():
    ended = Training(patience=3)
    ended.run(9)
    assert Training(ended.saved(), patience=4).run(9) == 9


def test_a_threshold_is_reached_once():
    options = dict(patience=3, stopping_threshold=7.2)
    ended = Training(**options)
    assert ended.run(9) == 2
    resumed = Training(ended.saved(), **options)
    assert resumed.run(9) == 2
    sentence = 'The training stops early, as EPE is less than 7.2; its best value is 7.'
    assert ended.lines == resumed.lines == [sentence]


def test_a_score_that_is_not_finite_ends_the_training():
    ended = Training(patience=3)
    assert ended.run(3, [9.0, float('nan'), 1.0]) == 2
    assert ended.lines[0].startswith('The training stops early: Monitored metric EPE = nan')


def test_a_new_training_does_not_use_the_hub_of_another():
    ended = Training(patience=3)
    ended.run(9)
    runner = SimpleNamespace(iter=0, message_hub=ended.runner.message_hub)
    hook = ResumableEarlyStoppingHook('EPE', rule='less')
    hook.before_train(runner)
    assert hook.wait_count == 0


HOOKS = """
custom_hooks = [
    dict(type='BestCopyHook'),
    dict(type='ResumableEarlyStoppingHook', monitor='coco/AP', rule='greater', patience=2),
]
train_cfg.update(max_epochs=6, val_interval=1)
"""


@pytest.mark.slow
@pytest.mark.forks
def test_killed_and_resumed_it_ends_after_the_same_epoch(figures, trainings):
    """The AP is 0 in every validation, so that the training ends after the third."""
    config = write_config(figures, 'early.py', HOOKS)
    killed_before(14, config, 'early', *saving_always())
    printed = finished(train(config, 'early', '--resume'))
    assert printed.count('stops early, as coco/AP has not improved in 2 validations') == 1
    assert files('early')[:3] == ['best.pth', 'best_coco_AP_epoch_1.pth', 'epoch_2.pth']
    assert 'epoch_4.pth' not in files('early')
    assert (trainings / 'early/best.pth').samefile('early/best_coco_AP_epoch_1.pth')
