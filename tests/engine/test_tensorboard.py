"""TensorBoard gets the numbers of the log, and sheets of predictions for the same pictures."""

import argparse
import sys
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from mmengine.config import Config

from vitpose_plus.commands import main
from vitpose_plus.commands import train as train_command
from vitpose_plus.engine import tensorboard as ours
from vitpose_plus.visualization.sheets import TILE_HW

pytest.importorskip('tensorboard')


def test_the_backend_is_added_once_beside_the_others():
    cfg = Config(dict(visualizer=dict(type='V', vis_backends=[dict(type='LocalVisBackend')])))
    ours.add_tensorboard(cfg)
    ours.add_tensorboard(cfg)
    types = [backend.type for backend in cfg.visualizer.vis_backends]
    assert types == ['LocalVisBackend', 'TensorboardVisBackend']
    assert cfg.visualizer.type == 'V'
    bare = Config(dict())
    ours.add_tensorboard(bare)
    assert [each.type for each in bare.visualizer.vis_backends] == types
    assert ours.LOCAL['vis_backends'] == [dict(type='LocalVisBackend')]


def test_a_missing_package_is_one_sentence_before_anything_is_written(
    workplace, monkeypatch, capsys
):
    monkeypatch.setitem(sys.modules, 'torch.utils.tensorboard', None)
    monkeypatch.delattr('torch.utils.tensorboard', raising=False)
    before = sorted(workplace.rglob('*'))
    with pytest.raises(SystemExit) as stop:
        main(['train', 'vitpose-plus-tiny_figures-256x192', '--work-dir', 'out', '--tensorboard'])
    assert stop.value.code == 2
    [error] = capsys.readouterr().err.strip().splitlines()[-1:]
    assert error == (
        'error: --tensorboard needs the package tensorboard: run pip install '
        "'vitpose_plus[tensorboard]'."
    )
    assert sorted(workplace.rglob('*')) == before


def test_a_model_in_parts_gets_no_sheet():
    lines = []
    runner = SimpleNamespace(cfg=dict(strategy={}), logger=SimpleNamespace(warning=lines.append))
    hook = ours.PredictionSheetHook()
    hook.before_train(runner)
    hook.after_val_epoch(runner, {})
    assert lines == [
        'TensorBoard gets no sheets of predictions: they need the complete model on one device.'
    ]


def test_without_the_option_the_config_has_no_backend(tiny_config):
    parser = argparse.ArgumentParser()
    train_command.add_arguments(parser)
    cfg = train_command.configure(tiny_config, parser.parse_args(['CONFIG']))
    assert [each.type for each in cfg.visualizer.vis_backends] == ['LocalVisBackend']


@pytest.mark.forks
@pytest.mark.usefixtures('trainings', 'shown')
def test_losses_rates_metrics_and_a_sheet_of_every_validation_are_written():
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    [file] = Path('shown').rglob('events.*')
    events = EventAccumulator(str(file))
    events.Reload()
    scalars = events.Tags()['scalars']
    assert {'loss', 'loss_kpt', 'lr', 'base_lr', 'grad_norm', 'coco/AP'} <= {*scalars}
    assert [each.step for each in events.Scalars('loss')] == [*range(1, 13)]
    assert [each.step for each in events.Scalars('coco/AP')] == [1, 2]
    sheets = events.Images('predictions')
    assert [sheet.step for sheet in sheets] == [6, 12]
    drawn = [
        cv2.imdecode(np.frombuffer(sheet.encoded_image_string, np.uint8), cv2.IMREAD_COLOR)
        for sheet in sheets
    ]
    pictures = len(list(Path('shown').rglob('vis_image/*')))
    assert pictures == 0  # the sheets are only in the file for TensorBoard
    assert {picture.shape for picture in drawn} == {(TILE_HW[0] + 26, 5 * TILE_HW[1], 3)}
    assert np.mean(drawn[0] != drawn[1]) < 0.05  # the pictures are the same
