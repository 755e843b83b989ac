# ViTPose, table 2. The classic decoder of a CNN has three deconvolutions, for features of 1/32.
_base_ = ['../_base_/single_dataset.py', '../datasets/coco.py']
from vitpose_plus.experiments import single_dataset_config

plain = dict(_base_.coco, crop='plain')  # as in SimpleBaseline
model = dict(
    backbone=dict(
        _delete_=True,
        type='ResNet',
        depth=50,
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50'),
    ),
    head=dict(in_channels=2048, deconv_out_channels=(256, 256, 256), deconv_kernel_sizes=(4, 4, 4)),
)
globals().update(single_dataset_config(_base_, 'coco', entry=plain, model=model))
optim_wrapper = dict(_delete_=True, optimizer=dict(type='Adam', lr=5e-4))
