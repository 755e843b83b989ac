import pytest
import torch

from tests.helpers.trainings import finished, train, write_config


@pytest.fixture(scope='session')
def trained(figures, tmp_path_factory):
    """A folder with the config of a small training, and one that was never stopped: ``whole``."""
    place = tmp_path_factory.mktemp('trainings')
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        torch.set_num_threads(1)  # as in every test, for the same rounding
        finished(train(write_config(figures), 'whole'))
    return place


@pytest.fixture
def trainings(trained, monkeypatch):
    """The working folder of a test is the one of ``trained``."""
    monkeypatch.chdir(trained)
    return trained
