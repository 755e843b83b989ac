"""Kills trainings (-9) at random times, also while they save; run this with `pytest -m slow -s`.

Every training resumes from its files. In one process its end is bit-equal to the end of a training
that was never killed.
"""

import random
import signal
import time
from pathlib import Path

import pytest

from tests.helpers.trainings import (
    Child,
    assert_same_end,
    finished,
    saving_always,
    train,
    two_processes,
)
from vitpose_plus.checkpoints.work_dirs import newest_whole

pytestmark = [pytest.mark.slow, pytest.mark.forks, pytest.mark.usefixtures('trainings')]
EPOCHS = 100
WORDS = ['--no-validate', *saving_always(f'train_cfg.max_epochs={EPOCHS}', workers=1)]
LAST = f'epoch_{EPOCHS}.pth'
SEED, LONGEST = 0, 0.5  # seconds after the first iteration


class Count:
    """Counts the kills, and the iterations that were lost."""

    def __init__(self) -> None:
        self.kills = self.while_saving = self.most_lost = 0

    def kill(self, children: list[Child], work_dir: str, chance: random.Random) -> None:
        children[0].wait_for('Epoch(train)')  # only the first process writes a log
        time.sleep(chance.uniform(0, LONGEST))
        chance.choice(children).send(signal.SIGKILL, group=True)
        ended = [child.end(timeout=20)[0] for child in children]
        if 0 in ended:  # a process had ended before the kill
            return
        self.kills += 1
        self.while_saving += any(Path(work_dir).glob('.*.part-*'))
        done = children[0].printed().count('Epoch(train)')
        start = self.saved
        self.saved = newest_whole(work_dir).iteration
        self.most_lost = max(self.most_lost, start + done - self.saved)

    saved = 0

    def __str__(self) -> str:
        return (
            f'{self.kills} kills, {self.while_saving} of them while a file was written; at most '
            f'{self.most_lost} iterations lost'
        )


def killed_often(kills: int, work_dir: str, start) -> Count:
    """Starts, kills and resumes a training with the same command, then lets it end."""
    chance, count = random.Random(SEED), Count()
    while count.kills < kills:
        children = start()
        count.kill(children, work_dir, chance)
        assert not Path(work_dir, LAST).exists() or count.kills == kills, 'increase EPOCHS'
    for child in start():
        finished(child)
    return count


def test_sixty_kills_of_one_process():
    finished(train('small.py', 'never', *WORDS))
    count = killed_often(60, 'often', lambda: [train('small.py', 'often', '--resume', *WORDS)])
    print(count)
    assert_same_end('never', 'often', LAST)


def test_ten_kills_of_two_processes():
    def start():
        words = ['two_often', '--resume', '--launcher', 'pytorch', *WORDS]
        return [train('small.py', *words, **each) for each in two_processes()]

    print(killed_often(10, 'two_often', start))
