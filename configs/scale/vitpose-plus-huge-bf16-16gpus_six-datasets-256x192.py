# Two nodes of 8 GPUs, 64 images each: a whole copy of the model on every GPU.
_base_ = '../vitpose_plus/vitpose-plus-huge_six-datasets-256x192.py'

optim_wrapper = dict(type='Bf16OptimWrapper')
train_dataloader = dict(batch_size=64)
