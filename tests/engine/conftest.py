import pytest
import torch

from tests.helpers.terminals import train_on_terminal
from tests.helpers.trainings import finished, train, write_config


@pytest.fixture(scope='session')
def trained(figures, tmp_path_factory):
    """A folder with the config of a small training, and a training that ended: ``whole``."""
    place = tmp_path_factory.mktemp('trainings')
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        torch.set_num_threads(1)  # as in every test, for the same rounding
        finished(train(write_config(figures), 'whole'))
    return place


@pytest.fixture
def trainings(trained, monkeypatch):
    """Makes the folder of ``trained`` the working folder of a test."""
    monkeypatch.chdir(trained)
    return trained


@pytest.fixture(scope='session')
def shown(trained):
    """The output of a training on a terminal, with a worker and TensorBoard: ``shown``.

    It validates after each of the two epochs.
    """
    workers = ['train_dataloader.num_workers=1', 'train_dataloader.persistent_workers=True']
    options = ['--tensorboard', '--cfg-options', 'train_cfg.val_interval=1', *workers]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(trained)
        torch.set_num_threads(1)
        code, raw = train_on_terminal('small.py', '--work-dir', 'shown', *options)
    assert code == 0, raw[-3000:]
    return raw
