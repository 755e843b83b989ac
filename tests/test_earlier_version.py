"""A dumped config and a checkpoint of an earlier version (commit 285a535) still work.

At that commit, all modules of the package were in one folder. ``python -m vitpose_plus train``
wrote ``tests/data/earlier_version`` then: two epochs of a ViTPose+ of one layer on synthetic
figures. ``heatmaps.json`` contains numbers of the heatmaps that it predicted for the input of this
test, by dataset: sum, largest value, and two pixels.
"""

import json
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmpose.registry import MODELS
from mmpose.structures import PoseDataSample

from vitpose_plus.commands import main

HERE = Path(__file__).parent / 'data' / 'earlier_version'
CONFIG, CHECKPOINT = str(HERE / 'config.py'), str(HERE / 'epoch_2.pth')
EXPECTED = json.loads((HERE / 'heatmaps.json').read_text())


@pytest.mark.parametrize('dataset', EXPECTED)
@torch.no_grad()
def test_heatmaps_equal_those_of_the_earlier_version(dataset):
    model = MODELS.build(Config.fromfile(CONFIG, format_python_code=False).model).eval()
    model.load_state_dict(torch.load(CHECKPOINT, weights_only=True)['state_dict'])
    sample = PoseDataSample(metainfo=dict(dataset_name=dataset))
    inputs = torch.linspace(-2, 2, 3 * 64 * 48).view(1, 3, 64, 48)
    [heatmaps] = model._forward(inputs, [sample])
    found = heatmaps.double().sum(), heatmaps.abs().max(), heatmaps[3, 7, 5], heatmaps[-1, 2, 9]
    assert [value.item() for value in found] == pytest.approx(EXPECTED[dataset], rel=1e-5)


def test_commands_accept_the_old_config_and_checkpoint(workplace):
    main(['test', CONFIG, CHECKPOINT, '--work-dir', 'out', '--out', 'metrics.json'])
    metrics = json.loads(Path('metrics.json').read_text())
    assert {name.split('/')[0] for name in metrics} == set(EXPECTED)
    options = ['train_cfg.max_epochs=3', 'train_dataloader.sampler.shuffle=False']
    resume = ['train', CONFIG, '--resume', CHECKPOINT, '--work-dir', 'out', '--no-validate']
    main([*resume, '--cfg-options', *options])
    meta = torch.load('out/epoch_3.pth', weights_only=True)['meta']
    assert meta['epoch'] == 3
