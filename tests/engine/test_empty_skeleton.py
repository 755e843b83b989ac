"""A dataset without a skeleton, colours or sides: everything reads the files of its training."""

import json
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmpose.apis import inference_topdown, init_model

from tests.helpers.trainings import finished, train, write_config
from vitpose_plus.commands import main
from vitpose_plus.inference.formats import FORMATS

pytestmark = pytest.mark.forks  # the training of the fixture is a forked child

POINTS = 17
# Only the parts of a metainfo that mmpose needs, as scripts for DeepLabCut write them.
PLAIN = f"""
for loader in (train_dataloader, val_dataloader, test_dataloader):
    loader['dataset']['metainfo'] = dict(
        _delete_=True,
        dataset_name='coco',
        keypoint_info={{i: dict(name=f'point{{i}}') for i in range({POINTS})}},
        skeleton_info={{}},
        joint_weights=[1.0] * {POINTS},
        sigmas=[0.05] * {POINTS},
    )
del loader
train_dataloader['dataset']['indices'] = 4
train_cfg = dict(max_epochs=1)
default_hooks['visualization'] = dict(enable=True, interval=1)
"""


@pytest.fixture(scope='module')
def trained(figures, tmp_path_factory):
    """A finished training of two iterations: its folder, config and checkpoint."""
    folder = tmp_path_factory.mktemp('plain')
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_config(figures, 'plain.py', PLAIN)
        finished(train('plain.py', 'run'))
    picture = next((figures / 'coco' / 'val2017').iterdir())
    where = SimpleNamespace(folder=folder, config='plain.py', picture=str(picture))
    where.checkpoint = str(folder / 'run' / 'epoch_1.pth')
    return where


@pytest.fixture
def inside(trained, monkeypatch):
    monkeypatch.chdir(trained.folder)
    return trained


def test_the_checkpoint_has_an_empty_skeleton(trained):
    meta = torch.load(trained.checkpoint, weights_only=True)['meta']['dataset_meta']
    assert list(meta['skeleton_links']) == []
    assert len(meta['skeleton_link_colors']) == 0


def test_a_training_resumes(inside, tmp_path):
    words = ['--resume', inside.checkpoint, '--cfg-options', 'train_cfg.max_epochs=2']
    finished(train(inside.config, str(tmp_path / 'again'), *words))
    again = torch.load(tmp_path / 'again' / 'epoch_2.pth', weights_only=True)
    assert again['meta']['iter'] == 4


def test_mmpose_reads_the_checkpoint(inside):
    model = init_model(str(Path('run', 'plain.py')), inside.checkpoint, device='cpu')
    [found] = inference_topdown(model, inside.picture)
    assert found.pred_instances.keypoints.shape == (1, POINTS, 2)
    assert len(model.dataset_meta['skeleton_links']) == 0


def test_the_validation_is_drawn(trained):
    drawn = [cv2.imread(str(path)) for path in trained.folder.glob('run/*/vis_data/**/*.png')]
    assert len(drawn) > 0
    assert all(picture.any() for picture in drawn)


@pytest.mark.slow
@pytest.mark.parametrize('words', [['--pretrained', '{}'], ['--cfg-options', 'load_from={}']])
def test_a_training_starts_from_the_checkpoint(words, inside, tmp_path):
    words = [word.format(inside.checkpoint) for word in words]
    finished(train(inside.config, str(tmp_path / 'again'), *words))


@pytest.mark.slow
def test_test_draws_a_sheet(inside, tmp_path):
    sheet = tmp_path / 'sheet.png'
    words = [inside.checkpoint, '--work-dir', str(tmp_path / 'run'), '--sheet', str(sheet)]
    main(['test', inside.config, *words])
    assert cv2.imread(str(sheet)).any()


@pytest.mark.slow
def test_predict_draws_and_writes_every_format(inside, tmp_path):
    out = tmp_path / 'out'
    words = ['--model', 'run', '--boxes', 'whole', '--score', '0', '--format', *FORMATS]
    main(['predict', inside.picture, *words, '--out', str(out), '--device', 'cpu'])
    assert (out / 'errors.ndjson').read_text() == ''
    [category] = json.loads((out / 'annotations.coco.json').read_text())['categories']
    assert category['skeleton'] == []
    assert category['keypoints'] == [f'point{i}' for i in range(POINTS)]
    [picture] = (out / 'drawn').iterdir()
    change = np.abs(cv2.imread(str(picture)).astype(int) - cv2.imread(inside.picture))
    assert (change.max(axis=2) > 100).sum() > POINTS
