# A ViTPose-B for several datasets, without the datasets: `multi_task_config` adds input size,
# heads, datasets and metrics.
_base_ = './topdown.py'

model = dict(
    type='MultiDatasetTopdown',
    head=dict(type='WholeBatchMultiDatasetHead', head=_base_.classic_decoder),
)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
auto_scale_lr = dict(base_batch_size=1024)
train_dataloader = dict(batch_size=128)
