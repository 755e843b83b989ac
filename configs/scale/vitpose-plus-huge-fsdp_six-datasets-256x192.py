# 8 GPUs, 128 pictures per GPU. Every GPU has an eighth of the parameters, gradients and optimiser
# state.
_base_ = ['../vitpose_plus/vitpose-plus-huge_six-datasets-256x192.py', '../_base_/fsdp.py']

default_hooks = _base_.sharded_hooks
optim_wrapper = _base_.sharded_optim
val_dataloader = _base_.sharded_loader
test_dataloader = val_dataloader
