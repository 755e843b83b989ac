"""The numbers of a training: as mmengine logs them, from one run or from several."""

import json
import shutil
from pathlib import Path

import pytest

from vitpose_plus.engine.scalars import read_curves
from vitpose_plus.errors import UserError

PER_EPOCH = 3


def training(iteration, **others):
    epoch = (iteration - 1) // PER_EPOCH + 1
    rates = dict(lr=1e-5, base_lr=1e-3)
    place = dict(epoch=epoch, iter=iteration, step=iteration)
    return dict(rates, loss=1 / iteration, **place) | others


def validation(epoch):
    return {'coco/AP': epoch / 10, 'coco/AR': 0.5, 'data_time': 1.0, 'time': 1.0, 'step': epoch}


def records(iterations):
    for iteration in iterations:
        yield training(iteration)
        if iteration % PER_EPOCH == 0:
            yield validation(iteration // PER_EPOCH)


def write(folder, run, lines, end=''):
    path = folder / run / 'vis_data' / 'scalars.json'
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(''.join(json.dumps(line) + '\n' for line in lines) + end)
    return path


@pytest.mark.parametrize('start', [4, 6, 7, 8])
def test_a_resumed_training_has_the_numbers_of_one_that_was_never_stopped(start, tmp_path):
    """The first run got to iteration 7 and was killed; the second one resumed before ``start``."""
    write(tmp_path / 'whole', '20260101_000000', records(range(1, 10)))
    before = [*records(range(1, 8))]
    for record in before:  # these are replaced
        if record.get('iter', PER_EPOCH * record['step']) >= start:
            record.update({key: 9.0 for key in ('loss', 'coco/AP') if key in record})
    write(tmp_path / 'parts', '20260102_000000', records(range(start, 10)))
    write(tmp_path / 'parts', '20260101_000000', before, end='{"loss": 0.')
    assert read_curves(tmp_path / 'parts') == read_curves(tmp_path / 'whole')


def test_a_validation_that_was_due_counts_once(tmp_path):
    """The first run is killed in the validation; the second one begins with it."""
    lines = [*records(range(1, 10))]
    split = lines.index(validation(2))
    write(tmp_path, '20260101_000000', lines[:split])
    write(tmp_path, '20260102_000000', lines[split:])
    curves = read_curves(tmp_path)
    assert curves['coco/AP'].values == {1: 0.1, 2: 0.2, 3: 0.3}
    assert list(curves['loss'].values) == [*range(1, 10)]


def test_a_training_that_began_again_replaces_the_earlier_one(tmp_path):
    """``train --force`` keeps the logs of the earlier training."""
    write(tmp_path, '20260101_000000', records(range(1, 10)))
    write(tmp_path, '20260102_000000', [training(1, loss=5.0)])
    curves = read_curves(tmp_path)
    assert curves['loss'].values == {1: 5.0}
    assert curves['coco/AP'].values == {}


def test_the_metrics_of_a_training_in_iterations_are_by_iteration(tmp_path):
    train = [{k: v for k, v in training(i).items() if k != 'epoch'} for i in (10, 20)]
    write(tmp_path, '20260101_000000', [train[0], dict(NME=0.5, step=10), train[1]])
    curves = read_curves(tmp_path)
    assert (curves['NME'].unit, curves['NME'].values) == ('iteration', {10: 0.5})
    assert (curves['learning rate'].unit, [*curves['learning rate'].values]) == (
        'iteration',
        [10, 20],
    )
    assert set(curves['learning rate'].values.values()) == {1e-3}  # not that of the first layers


def test_a_folder_without_numbers_and_a_damaged_file_are_refused(tmp_path):
    with pytest.raises(UserError, match=r'contains no .*scalars\.json with numbers.*give a folder'):
        read_curves(tmp_path)
    path = write(tmp_path, '20260101_000000', [], end='{"iter"\n[1]\n')
    with pytest.raises(UserError, match=rf'^{path}, line 1 is not a JSON object: remove'):
        read_curves(tmp_path)
    path.write_text('')
    with pytest.raises(UserError, match=r'contains no '):
        read_curves(tmp_path)


@pytest.mark.forks
def test_the_log_of_a_real_training_is_read(trainings, tmp_path):
    curves = read_curves('whole')
    assert [*curves] == ['loss', 'learning rate', 'coco/AP']
    assert [*curves['loss'].values] == [*range(1, 13)]
    rates = curves['learning rate'].values
    assert rates[1] == pytest.approx(1e-4)  # a tenth in the first iteration of the warm-up
    assert (curves['coco/AP'].unit, [*curves['coco/AP'].values]) == ('epoch', [2])
    [run] = Path('whole').glob('2*')
    shutil.copytree(run, tmp_path / 'copy' / run.name)
    assert read_curves(tmp_path / 'copy') == curves
