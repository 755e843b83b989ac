# ViTPose+-B without its datasets: `vitpose_plus.experiment.multi_dataset` fills in input size,
# experts, heads, datasets and metrics.
_base_ = './topdown.py'

model = dict(
    type='MultiDatasetTopdown',
    backbone=dict(ffn=dict(type='PartiallySharedFFN')),
    head=dict(type='MultiDatasetHead', head=_base_.classic_decoder),
)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
auto_scale_lr = dict(base_batch_size=1024)
train_dataloader = dict(batch_size=128)
