"""Real pictures: a bottom-up model overfits COCO's sample pictures.

This checks that files, whole pictures, masks, targets, tags, grouping and metric fit each other, as
in ``test_six_datasets.py``.
"""

from pathlib import Path

import pytest
from mmengine.config import Config

from vitpose_plus.commands import demo
from vitpose_plus.engine.runs import build_runner
from vitpose_plus.evaluation import grouping_ceiling, headlines
from vitpose_plus.experiments.catalogue import find_config
from vitpose_plus.visualization.sheets import contact_sheet

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(1800)]

BASE = 'vitpose-bottomup-base_coco-512x512'
OUTPUT = Path(__file__).parents[2] / 'work_dirs' / 'real_bottom_up'

CONFIG = """
_base_ = {base!r}
from vitpose_plus.experiments.bottom_up import bottom_up

# Flips, and small changes of position and scale, of the whole picture.
affine = dict(
    _base_.affine, scale_type='long', shift_factor=0.02, scale_factor=(0.97, 1.03), rotate_prob=0.0)
model, train_dataloader, val_dataloader, test_dataloader, val_evaluator, test_evaluator = bottom_up(
    'coco', _base_.coco, affine, input_hw=(256, 384), data_root={root!r})
# Test pictures have the same scale as training pictures: the overfitted model needs it.
test_dataloader['dataset']['pipeline'][1].update(resize_mode='fit')

# Positions and tags as in the config of the figures: the training is too short for the defaults.
model['backbone'].update(type='SinePositionViT', arch='tiny', drop_path_rate=0.)
model['head'].update(
    in_channels=128,
    deconv_out_channels=(64, 64),
    tag_loss=dict(loss_weight=0.0003, push_loss_factor=5.0))
train_dataloader.update(
    batch_size=4, num_workers=1, sampler=dict(_delete_=True, type='InfiniteSampler'))
val_dataloader.update(num_workers=1)
test_dataloader.update(num_workers=1)

iters = 1200
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
    base = find_config(BASE)
    path.write_text(CONFIG.format(base=base, root=str(sample_data)))
    cfg = Config.fromfile(path)
    cfg.work_dir = str(OUTPUT)
    runner = build_runner(cfg, ('train', 'test'))
    runner.train()
    with demo.quiet():
        score = headlines(runner.test())['coco']
        ceiling = headlines(grouping_ceiling(cfg))['coco']
    contact_sheet(runner.model.eval(), runner.test_dataloader.dataset, OUTPUT / 'predictions.png')
    print(f'COCO AP {score:.3f} of {ceiling:.3f}')
    assert score >= 0.95 * ceiling
