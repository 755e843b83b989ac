_base_ = ['../vitpose_plus/vitpose-plus-huge_six-datasets-256x192.py', '../_base_/token.py']

load_from = 'work_dirs/vitpose-plus-huge_six-datasets-256x192/epoch_210.pth'
model = dict(type='TokenMultiDatasetTopdown', backbone=_base_.token_backbone)
optim_wrapper = _base_.token_optim
param_scheduler = _base_.token_schedule
train_cfg = _base_.token_epochs
default_hooks = _base_.token_hooks
