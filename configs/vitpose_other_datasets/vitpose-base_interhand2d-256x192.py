_base_ = ['../vitpose/vitpose-base_coco-256x192.py', '../datasets/interhand2d.py']
from vitpose_plus.experiments import single_dataset_config

globals().update(single_dataset_config(_base_, 'interhand2d'))

# The authors' fine-tuning on hands.
optim_wrapper = dict(_delete_=True, optimizer=dict(type='Adam', lr=5e-4))
param_scheduler = [
    dict(type='LinearLR', begin=0, end=500, start_factor=0.001, by_epoch=False),
    dict(type='MultiStepLR', begin=0, end=60, milestones=[40, 50], gamma=0.1, by_epoch=True),
]
train_cfg = dict(max_epochs=60)
