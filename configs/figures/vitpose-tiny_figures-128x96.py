# For docs/experiments.md: only people, small crops, features of 1/8 (16x12 tokens). It trains in
# minutes on one core.
_base_ = ['../vitpose/vitpose-base_coco-256x192.py', '../_base_/figures.py']
from vitpose_plus.experiments import single_dataset_config

globals().update(
    single_dataset_config(
        _base_,
        'coco',
        augmentation=_base_.gentle,
        input_hw=(128, 96),
        sigma=1.5,
        data_root='work_dirs/experiments/grey',
        model=dict(
            backbone=dict(
                arch=dict(depth=4, dim=64, num_heads=2, _delete_=True),
                patch=dict(kernel_size=8, stride=8, padding=0),
                drop_path_rate=0.0,
            ),
            head=dict(in_channels=64, deconv_out_channels=(32,), deconv_kernel_sizes=(4,)),
        ),
        train_dataloader=dict(_base_.one_process, batch_size=16),
        val_dataloader=_base_.one_process,
        test_dataloader=_base_.one_process,
    )
)

max_epochs = 6
optim_wrapper = dict(
    optimizer=dict(lr=1e-3, weight_decay=0.05),
    paramwise_cfg=dict(num_layers=4, layer_decay_rate=1.0),
)
param_scheduler = [
    dict(type='LinearLR', begin=0, end=100, start_factor=0.01, by_epoch=False),
    dict(type='CosineAnnealingLR', T_max=max_epochs, by_epoch=True, convert_to_iter_based=True),
]
train_cfg = dict(max_epochs=max_epochs, val_interval=100)
