"""Real pictures: the six-dataset model overfits the sample annotations.

``VITPOSE_SAMPLES`` is the folder of the samples; ``pytest -m real`` runs this test. It checks that
files, boxes, crops, targets, flips, decoding and metrics of every dataset fit each other.
"""

import os
from pathlib import Path

import pytest
import rich
import torch
from mmengine.config import Config

from tests.helpers import tiny_figures
from vitpose_plus.commands import demo
from vitpose_plus.engine.runs import build_runner
from vitpose_plus.evaluation import decoding_ceiling, headlines
from vitpose_plus.experiments.catalogue import find_config
from vitpose_plus.visualization.sheets import contact_sheet

pytestmark = [pytest.mark.real, pytest.mark.timeout(1800)]

ITERS = 500
BASE = 'vitpose-plus-base_six-datasets-256x192'
OUTPUT = Path(__file__).parents[2] / 'work_dirs' / 'real'

CONFIG = """
_base_ = {base!r}
from vitpose_plus.experiments.topdown import multi_dataset

datasets = _base_.datasets
for name in datasets:
    datasets[name]['val'].pop('bbox_file', None)  # the true boxes

# The flip test needs training with flips. The crops are shifted at random by up to one pixel of the
# heatmap, because targets without UDP are rounded to whole pixels: with fixed crops, the rounding
# would always be the same, and the model would overfit it.
augmentation = [
    dict(type='RandomFlip', direction='horizontal'),
    dict(type='RandomBBoxTransform', shift_factor=0.015, shift_prob=1.0, scale_factor=(0.99, 1.01),
         rotate_prob=0.0)]
model, train_dataloader, val_dataloader, test_dataloader, val_evaluator, test_evaluator = (
    multi_dataset(datasets, _base_.crops, augmentation, data_root={root!r}))

model['backbone'].update(arch='tiny', drop_path_rate=0.)
model['head'].update(
    type='MultiDatasetHead', head=dict(in_channels=128, deconv_out_channels=(64, 64)))
train_dataloader.update(
    batch_size=24, num_workers=1, sampler=dict(_delete_=True, type='InfiniteSampler'))
val_dataloader.update(num_workers=1)
test_dataloader.update(num_workers=1)

# With the demo's weights as initial weights, half of the iterations is enough.
load_from = {start!r}
iters = {iters}
optim_wrapper = dict(
    optimizer=dict(lr=2e-3), paramwise_cfg=dict(num_layers=4, layer_decay_rate=1.))
param_scheduler = [
    dict(type='LinearLR', end=50, start_factor=0.01, by_epoch=False),
    dict(type='CosineAnnealingLR', T_max=iters, by_epoch=False)]
train_cfg = dict(
    _delete_=True, type='IterBasedTrainLoop', max_iters=iters, val_interval=10 * iters)
log_processor = dict(by_epoch=False)
randomness = dict(seed=0)
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=iters))
"""


def test_overfits_the_samples(sample_data, tmp_path):
    path = tmp_path / 'overfit.py'
    sizes = dict(iters=ITERS, start=str(tiny_figures.FILE))
    path.write_text(CONFIG.format(base=find_config(BASE), root=str(sample_data), **sizes))
    torch.set_num_threads(os.cpu_count())
    cfg = Config.fromfile(path)
    cfg.work_dir = str(OUTPUT)
    runner = build_runner(cfg, ('train', 'test'))
    runner.train()
    with demo.quiet():
        scores = headlines(runner.test())
        ceilings = headlines(decoding_ceiling(cfg))
    contact_sheet(runner.model.eval(), runner.test_dataloader.dataset, OUTPUT / 'predictions.png')
    rich.print(demo.table(cfg, scores, ceilings, 'Real pictures, overfitted'))
    for name, ceiling in ceilings.items():
        assert scores[name] >= 0.95 * ceiling, f'{name}: {scores[name]:.3f} of {ceiling:.3f}'
