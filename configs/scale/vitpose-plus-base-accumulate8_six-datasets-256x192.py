# One GPU, 128 pictures per batch, and a step every 8 batches: a step uses 1024 pictures, as in the
# recipe.
_base_ = '../vitpose_plus/vitpose-plus-base_six-datasets-256x192.py'

batches = 8
optim_wrapper = dict(accumulative_counts=batches)
# Schedulers and --auto-scale-lr count batches, not steps.
warm_up, steps = _base_.param_scheduler
param_scheduler = [dict(warm_up, end=batches * warm_up['end']), steps]
auto_scale_lr = dict(base_batch_size=1024 // batches)
