# The demo: all six datasets as drawn figures (python -m vitpose_plus figures), in minutes on a CPU.
_base_ = '../vitpose_plus/vitpose-plus-base_six-datasets-256x192.py'
from vitpose_plus.experiment import multi_dataset

model, train_dataloader, val_dataloader, test_dataloader, val_evaluator = multi_dataset(
    _base_.datasets,
    _base_.crops,
    _base_.augmentation,
    input_hw=(128, 96),
    sigma=1.5,
    data_root='work_dirs/demo/figures',
)
test_evaluator = val_evaluator

# 8-pixel patches and one deconvolution keep the heatmap at a quarter of the input.
model['backbone'].update(
    arch='tiny', patch=dict(kernel_size=8, stride=8, padding=0), drop_path_rate=0.0
)
model['head'].update(
    head=dict(in_channels=128, deconv_out_channels=(64,), deconv_kernel_sizes=(4,))
)
model['train_cfg'] = dict(compute_acc=False)

train_dataloader.update(batch_size=64, num_workers=2)
val_dataloader.update(batch_size=64, num_workers=2)
test_dataloader.update(batch_size=64, num_workers=2)

optim_wrapper = dict(
    optimizer=dict(lr=2e-3), paramwise_cfg=dict(num_layers=4, layer_decay_rate=1.0)
)
param_scheduler = [
    dict(type='LinearLR', begin=0, end=100, start_factor=0.01, by_epoch=False),
    dict(type='CosineAnnealingLR', T_max=5, by_epoch=True, convert_to_iter_based=True),
]
train_cfg = dict(max_epochs=5, val_interval=100)
default_hooks = dict(checkpoint=dict(interval=1))
