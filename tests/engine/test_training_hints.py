"""The log warns about valid, but probably unintended settings; every training needs steps."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.helpers.trainings import write_config
from vitpose_plus.commands import main
from vitpose_plus.engine import training_hints


def warnings_of(work_dir):
    """Returns the warnings in the log, without mmengine's own about deprecated functions."""
    [log] = [path.read_text() for path in Path(work_dir).glob('*/*.log')]
    lines = [line.split('WARNING - ')[1] for line in log.splitlines() if 'WARNING - ' in line]
    return [line for line in lines if 'deprecated' not in line]


def one_epoch(name, *options):
    """``name`` separates the log from that of a training that begins in the same second."""
    more = [
        f'experiment_name={name}',
        'train_cfg.max_epochs=1',
        'train_dataloader.dataset.indices=3',
        *options,
    ]
    main(['train', 'small.py', '--work-dir', 'w', '--no-validate', '--cfg-options', *more])


def test_a_long_warm_up_and_a_large_batch_are_reported(figures, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(training_hints, 'os', SimpleNamespace(cpu_count=lambda: -1))
    write_config(figures)
    one_epoch('hints', 'train_dataloader.batch_size=4')
    batch, workers, warm_up = warnings_of('w')
    assert 'a batch of 4 is larger than the training set of 3: a smaller batch_size' in batch
    assert 'train_dataloader has 0 workers, but this machine has -1 cores: fewer' in workers
    assert 'The warm-up (LinearLR, until 5 iterations) is longer than the training of 1' in warm_up
    assert Path('w/epoch_1.pth').is_file()


def test_nothing_is_reported_if_all_settings_fit(figures, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_config(figures)
    one_epoch('none', 'train_dataloader.batch_size=1', 'param_scheduler.0.end=3')
    assert warnings_of('w') == []


def test_a_training_without_steps_is_refused(figures, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_config(figures)
    with pytest.raises(SystemExit) as stop:
        one_epoch('refused', 'train_dataloader.batch_size=4', 'train_dataloader.drop_last=True')
    assert stop.value.code == 2
    message = 'a batch of 4 is larger than the training set of 3: nothing would be trained; give a'
    assert message in capsys.readouterr().err
    assert not list(Path('w').glob('*.pth'))
