# For docs/experiments.md: people only, small crops, 1/8 features (16x12 tokens); minutes on a core.
_base_ = '../vitpose/vitpose-base_coco-256x192.py'
from vitpose_plus.experiment import single_dataset

# Gentle, as in the demo.
augmentation = [
    dict(type='RandomFlip', direction='horizontal'),
    dict(type='RandomBBoxTransform', shift_factor=0.1, scale_factor=(0.8, 1.2), rotate_factor=30.0),
]

model, train_dataloader, val_dataloader, test_dataloader, val_evaluator, test_evaluator = (
    single_dataset(
        'coco',
        _base_.coco,
        _base_.crops,
        augmentation,
        input_hw=(128, 96),
        sigma=1.5,
        data_root='work_dirs/experiments/grey',
    )
)

model['backbone'].update(
    arch=dict(depth=4, dim=64, num_heads=2, _delete_=True),
    patch=dict(kernel_size=8, stride=8, padding=0),
    drop_path_rate=0.0,
)
model['head'].update(in_channels=64, deconv_out_channels=(32,), deconv_kernel_sizes=(4,))

# Several runs share a machine: each is one process.
train_dataloader.update(batch_size=16, num_workers=0, persistent_workers=False)
val_dataloader.update(num_workers=0, persistent_workers=False)
test_dataloader.update(num_workers=0, persistent_workers=False)

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
