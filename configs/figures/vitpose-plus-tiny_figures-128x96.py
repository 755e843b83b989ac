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
        model=dict(backbone=dict(type='ViT', patch=dict(kernel_size=16, stride=16, padding=0))),
        val_dataloader=_base_.one_process,
        test_dataloader=_base_.one_process,
    )
)

max_epochs = 4
optim_wrapper = dict(optimizer=dict(lr=1.5e-3))
param_scheduler = [
    _base_.param_scheduler[0],
    dict(_base_.param_scheduler[1], T_max=max_epochs),
]
train_cfg = dict(max_epochs=max_epochs)
