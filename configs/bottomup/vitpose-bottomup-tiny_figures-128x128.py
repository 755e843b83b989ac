# Bottom-up on synthetic pictures with several figures (docs/bottom_up.md). It trains in minutes on
# one core.
_base_ = ['./vitpose-bottomup-base_coco-512x512.py', '../_base_/figures.py']
from vitpose_plus.experiments import bottom_up_config

coco = _base_.coco
for split in ('train', 'val'):
    coco[split]['ann_file'] = f'annotations/several_keypoints_{split}2017.json'
figures = 'work_dirs/experiments/figures'
# Little augmentation, because the figures are mostly upright and the training is short.
affine = dict(_base_.affine, shift_factor=0.1, scale_factor=(0.8, 1.25), rotate_factor=15.0)

model = dict(
    backbone=dict(
        type='SinePositionViT',
        arch=dict(depth=4, dim=64, num_heads=2, _delete_=True),
        patch=dict(kernel_size=8, stride=8, padding=0),
        drop_path_rate=0.0,
    ),
    head=dict(in_channels=64, deconv_out_channels=(32,), deconv_kernel_sizes=(4,)),
)
# The training is short, so a higher push loss separates people first; the pull loss works later.
model['head']['tag_loss'] = dict(loss_weight=0.0003, push_loss_factor=5.0)

globals().update(
    bottom_up_config(
        _base_,
        'coco',
        affine=affine,
        input_hw=(128, 128),
        sigma=1.0,
        data_root=figures,
        model=model,
        train_dataloader=dict(_base_.one_process, batch_size=16),
        val_dataloader=_base_.one_process,
        test_dataloader=_base_.one_process,
    )
)

max_epochs = 24
optim_wrapper = dict(
    optimizer=dict(lr=2e-3, weight_decay=0.05),
    paramwise_cfg=dict(num_layers=4, layer_decay_rate=1.0),
)
param_scheduler = [
    dict(type='LinearLR', end=100, start_factor=0.01, by_epoch=False),
    dict(type='CosineAnnealingLR', T_max=max_epochs, by_epoch=True, convert_to_iter_based=True),
]
train_cfg = dict(max_epochs=max_epochs, val_interval=100)
