import pytest
import torch

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
