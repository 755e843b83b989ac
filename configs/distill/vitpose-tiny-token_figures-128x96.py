_base_ = ['./vitpose-tiny-teacher_figures-128x96.py', '../_base_/token.py']

load_from = f'work_dirs/vitpose-tiny-teacher_figures-128x96/epoch_{_base_.max_epochs}.pth'
model = dict(type='TokenTopdown', backbone=_base_.token_backbone)
optim_wrapper = _base_.token_optim
train_cfg = dict(max_epochs=4)
param_scheduler = [dict(type='CosineAnnealingLR', T_max=4, convert_to_iter_based=True)]
default_hooks = _base_.token_hooks
