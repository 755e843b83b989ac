"""Checkpoint files are complete or absent, whatever happens while they are saved."""

import os
import resource
import signal
from pathlib import Path

import pytest
import torch

from tests.helpers.trainings import Child, assert_same_end, files, finished, train
from vitpose_plus import files as writing
from vitpose_plus.commands import main
from vitpose_plus.engine.saving import WholeCheckpointHook

EVERY_ITERATION = ['--cfg-options', 'default_hooks.checkpoint.minutes=0']

pytestmark = [pytest.mark.forks, pytest.mark.usefixtures('trainings')]


def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)


def killed(prepare, name, *words):
    def run():
        prepare()
        main(['train', 'small.py', '--work-dir', name, *words])

    return finished(Child(run), -signal.SIGKILL)


def before_the_second_has_its_name():
    replace = os.replace

    def replace_or_die(source, target):
        if Path(target).name == 'epoch_2.pth':
            die()
        replace(source, target)

    os.replace = replace_or_die


def before_the_pointer():
    flush = writing._flush

    def flush_or_die(path, *args):
        if path.name == 'last_checkpoint' and Path('pointer/epoch_2.pth').exists():
            die()
        flush(path, *args)

    writing._flush = flush_or_die


def before_old_ones_are_removed():
    def die_instead(hook, names):
        if list(names):
            die()

    WholeCheckpointHook._remove = die_instead


@pytest.mark.parametrize(
    ('name', 'prepare', 'words', 'left'),
    [
        ('name', before_the_second_has_its_name, [], ['epoch_1.pth']),
        ('pointer', before_the_pointer, [], ['epoch_1.pth', 'epoch_2.pth']),
        ('removal', before_old_ones_are_removed, EVERY_ITERATION, ['iter_1.pth', 'iter_2.pth']),
    ],
)
def test_a_kill_while_saving_leaves_complete_files(name, prepare, words, left):
    killed(prepare, name, *words)
    assert files(name) == sorted([*left, 'last_checkpoint'])
    assert len(list(Path(name).glob('.*'))) == (name != 'removal')  # the incomplete file
    printed = finished(train('small.py', name, '--resume'))
    assert f'Resumes from {name}/{left[-1]}' in printed
    assert not list(Path(name).glob('.*'))
    assert_same_end('whole', name)
    assert files(name) == files('whole')


def test_a_full_disk_ends_the_run_and_loses_no_file():
    def run():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, size + 100))
        main(['train', 'small.py', '--work-dir', 'full'])

    # The second file is larger than the first: it has more losses in its log.
    size = Path('whole/epoch_1.pth').stat().st_size
    assert Path('whole/epoch_2.pth').stat().st_size > size + 100
    last = finished(Child(run), 1).splitlines()[-1]
    path = os.path.abspath('full/epoch_2.pth')
    assert last.startswith(f'error: {path} could not be saved (File too large): free some space')
    assert files('full') == ['epoch_1.pth', 'last_checkpoint']
    assert not list(Path('full').glob('.*'))
    finished(train('small.py', 'full', '--resume'))
    assert_same_end('whole', 'full')


def test_the_last_file_has_the_best_score():
    """Otherwise a training that is resumed could keep a worse checkpoint as the best."""
    info = torch.load('whole/epoch_2.pth', weights_only=False)['message_hub']['runtime_info']
    assert info['best_score'] == 0.0
    assert info['best_ckpt'] == os.path.abspath('whole/best_coco_AP_epoch_2.pth')
    assert info['epoch_validated'] == 2


def test_the_best_and_the_last_two_files_are_kept():
    options = ['train_cfg.max_epochs=4', 'train_cfg.val_interval=1']
    finished(train('small.py', 'kept', *EVERY_ITERATION, *options))
    assert files('kept') == [
        'best_coco_AP_epoch_1.pth',
        'epoch_3.pth',
        'epoch_4.pth',
        'last_checkpoint',
    ]
