# Two nodes with 8 GPUs each, 64 pictures per GPU. Every GPU has a complete copy of the model.
_base_ = '../vitpose_plus/vitpose-plus-huge_six-datasets-256x192.py'

optim_wrapper = dict(type='Bf16OptimWrapper')
train_dataloader = dict(batch_size=64)
