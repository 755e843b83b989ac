# A teacher for the tiny model of configs/figures/; it trains in minutes on one core.
_base_ = '../figures/vitpose-tiny_figures-128x96.py'

model = dict(
    backbone=dict(arch=dict(depth=6, dim=128, num_heads=4)),
    head=dict(in_channels=128),
)
optim_wrapper = dict(paramwise_cfg=dict(num_layers=6))

max_epochs = 10
param_scheduler = _base_.param_scheduler
param_scheduler[1].update(T_max=max_epochs)
train_cfg = dict(max_epochs=max_epochs)
