"""A training that is stopped and resumed is bit-equal to one that was never stopped."""

import shutil
import signal

import pytest
import torch

from tests.helpers.trainings import (
    assert_same_end,
    files,
    finished,
    interrupted,
    killed_before,
    saving_always,
    train,
    two_processes,
    write_config,
)
from vitpose_plus.engine.resuming import ResumableSampler, SeededDataset

pytestmark = [pytest.mark.forks, pytest.mark.usefixtures('trainings')]


def test_samples_do_not_depend_on_the_process_that_prepares_them(tiny_config):
    """Each epoch has new augmentation; a resumed epoch continues in the same order."""
    plain = tiny_config.train_dataloader.dataset.datasets[0]
    dataset = SeededDataset(plain)
    one, same, other = (dataset[key]['inputs'] for key in ((0, 0, 1), (0, 0, 1), (0, 1, 1)))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert dataset[1]['data_samples'].img_path == dataset[0, 0, 1]['data_samples'].img_path
    own = ResumableSampler(dataset, dict(type='DefaultSampler', seed=42))
    own.use_seed(3)
    assert (own.seed, own.sampler.seed) == (3, 42)
    sampler = ResumableSampler(dataset, dict(type='DefaultSampler'), seed=3)
    sampler.set_epoch(2)
    whole = list(sampler)
    assert sorted(whole) == [(3, 2, index) for index in range(len(dataset))]
    assert whole != sorted(whole)
    sampler.skip = 4
    assert list(sampler) == whole[4:]


@pytest.mark.parametrize(
    ('iteration', 'before', 'after', 'file'),
    [(1, 0, 2, 'iter_1'), (6, 2, 0, 'epoch_1'), (9, 0, 0, 'iter_9')],
)
def test_killed_and_resumed_equals_never_stopped(iteration, before, after, file):
    name = f'at_{iteration}'
    killed_before(iteration, 'small.py', name, *saving_always(workers=before))
    printed = finished(train('small.py', name, '--resume', *saving_always(workers=after)))
    assert f'Resumes from {name}/{file}.pth, iteration {iteration}.' in printed
    assert_same_end('whole', name)
    assert files(name) == files('whole')


AVERAGED = """
custom_hooks = [dict(type='EMAHook', momentum=0.1, update_buffers=True)]
optim_wrapper.update(accumulative_counts=4)
"""
COSINE = """
param_scheduler.append(
    dict(type='CosineAnnealingLR', T_max=2, by_epoch=True, convert_to_iter_based=True)
)
"""


def test_moving_averages_and_accumulated_batches(figures):
    """A step has four batches, an epoch six: epoch 1 is saved after the eighth batch."""
    config = write_config(figures, 'averaged.py', AVERAGED)
    finished(train(config, 'averaged_whole'))
    killed_before(11, config, 'averaged', *saving_always())
    assert files('averaged') == ['epoch_1.pth', 'last_checkpoint']
    printed = finished(train(config, 'averaged', '--resume'))
    assert 'Resumes from averaged/epoch_1.pth, iteration 8.' in printed
    assert_same_end('averaged_whole', 'averaged')


def test_without_a_given_seed_the_seed_of_the_checkpoint_is_used():
    no_seed = saving_always('randomness.seed=None')
    killed_before(3, 'small.py', 'seedless', *no_seed)
    finished(train('small.py', 'seedless', '--resume', *no_seed))
    seed = torch.load('seedless/epoch_2.pth', weights_only=False)['meta']['seed']
    finished(train('small.py', 'seeded', *saving_always(f'randomness.seed={seed}')))
    assert_same_end('seeded', 'seedless')


def test_masks_of_pretraining(workplace):
    few = [f'train_dataloader.dataset.datasets.{i}.indices=4' for i in range(2)]
    quick = saving_always('train_dataloader.batch_size=2', 'train_cfg.max_epochs=1', *few)
    config = 'mae-tiny_figures-256x192'
    finished(train(config, 'whole', *quick))
    killed_before(2, config, 'resumed', *quick)
    finished(train(config, 'resumed', '--resume', *quick))
    assert_same_end('whole', 'resumed', 'epoch_1.pth')


def test_another_batch_size_keeps_the_schedule_of_the_epochs(figures):
    """After three of six iterations, six samples are left: two iterations of up to four."""
    config, fours = write_config(figures, 'cosine.py', COSINE), 'train_dataloader.batch_size=4'
    finished(train(config, 'fours_whole', *saving_always(fours)))
    killed_before(9, config, 'fours', *saving_always())
    printed = finished(train(config, 'fours', '--resume', *saving_always(fours)))
    assert (
        'An epoch has 3 iterations of 4 samples; in the checkpoint it had 6 of 2. Iteration 9 of '
        'the checkpoint is iteration 4 here. Learning rates are set as if all iterations had '
    ) in printed
    whole, resumed = (
        torch.load(f'{folder}/epoch_2.pth', weights_only=False)
        for folder in ('fours_whole', 'fours')
    )
    assert resumed['meta']['iter'] == 6
    assert whole['param_schedulers'] == resumed['param_schedulers']
    for one, other in zip(
        *(content['optimizer']['param_groups'] for content in (whole, resumed)), strict=True
    ):
        for key in ('lr', 'initial_lr'):
            assert one[key] == other[key]


def test_two_processes_with_different_batch_norms():
    """They are killed in the middle of an epoch, when their running statistics differ."""
    words = ['--launcher', 'pytorch', *saving_always('train_dataloader.batch_size=1')]
    for child in [train('small.py', 'two_whole', *words, **each) for each in two_processes()]:
        finished(child)
    for child in [
        interrupted(signal.SIGKILL, 9, 'small.py', 'two', *words, **each)
        for each in two_processes()
    ]:
        finished(child, -signal.SIGKILL)
    shutil.copy('two/iter_9.pth', '.')
    content = torch.load('iter_9.pth', weights_only=True)
    statistics = ('running_mean', 'running_var')
    names = {name for name in content['state_dict'] if name.endswith(statistics)}
    assert set(content['rank_buffers']) == names
    words.append('--resume')
    for child in [train('small.py', 'two', *words, **each) for each in two_processes()]:
        finished(child)
    assert_same_end('two_whole', 'two')
    printed = finished(train('small.py', 'one_of_two', '--resume', 'iter_9.pth'))
    assert 'Epoch(train) [2][4/6]' in printed  # an iteration has two samples, as before
    assert files('one_of_two') == ['best_coco_AP_epoch_2.pth', 'epoch_2.pth', 'last_checkpoint']
