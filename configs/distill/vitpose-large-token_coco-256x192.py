_base_ = ['../vitpose/vitpose-large_coco-256x192.py', '../_base_/token.py']

load_from = 'work_dirs/vitpose-large_coco-256x192/epoch_210.pth'
model = dict(type='TokenTopdown', backbone=_base_.token_backbone)
optim_wrapper = _base_.token_optim
param_scheduler = _base_.token_schedule
train_cfg = _base_.token_epochs
default_hooks = _base_.token_hooks
