# For docs/experiments.md: the six datasets of the demo, in small crops, with mae-tiny's patches.
_base_ = './vitpose-plus-tiny_figures-256x192.py'
from vitpose_plus.experiments import multi_dataset_config

globals().update(
    multi_dataset_config(
        _base_,
        augmentation=_base_.gentle,
        input_hw=(128, 96),
        sigma=1.5,
        data_root='work_dirs/experiments/grey',
        model=dict(backbone=dict(patch=dict(kernel_size=16, stride=16, padding=0))),
        train_dataloader=_base_.one_process,
        val_dataloader=_base_.one_process,
        test_dataloader=_base_.one_process,
    )
)
