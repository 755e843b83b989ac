# Two nodes with 8 GPUs each, 64 pictures per GPU. Every GPU has a sixteenth of the model.
_base_ = ['../vitae/vitpose-giant_coco-aic-576x432.py', '../_base_/fsdp.py']

default_hooks = _base_.sharded_hooks
optim_wrapper = _base_.sharded_optim
train_dataloader = dict(batch_size=64)
val_dataloader = _base_.sharded_loader
test_dataloader = val_dataloader
