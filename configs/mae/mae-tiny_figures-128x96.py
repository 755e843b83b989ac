# For docs/experiments.md: the people of two datasets in small crops.
_base_ = ['./mae-tiny_figures-256x192.py', '../_base_/figures.py']
from vitpose_plus.experiments import person_crops_config

globals().update(
    person_crops_config(
        _base_,
        ['coco', 'aic'],
        input_hw=(128, 96),
        data_root='work_dirs/experiments/grey',
        train_dataloader=_base_.one_process,
    )
)

param_scheduler = [
    dict(type='LinearLR', end=1, start_factor=0.01, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', begin=1, end=20, convert_to_iter_based=True),
]
train_cfg = dict(max_epochs=20)
