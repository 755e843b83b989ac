"""The second training of the detector: on the set mixed and on frames of synthetic films."""

_base_ = 'rtmdet-nano_figures-320x256.py'

EPOCHS = 5
load_from = 'work_dirs/figures_detector/epoch_11.pth'
frames = dict(
    type='CocoDataset',
    data_root='work_dirs/demo/frames/',
    ann_file='boxes_train.json',
    data_prefix=dict(img='train/'),
    filter_cfg=dict(filter_empty_gt=False),
    metainfo=dict(classes=_base_.CLASSES),
    pipeline=_base_.train_pipeline,
)
mixed = _base_.train_dataloader.dataset
train_dataloader = dict(
    dataset=dict(_delete_=True, type='ConcatDataset', datasets=[mixed, frames]),
)
train_cfg = dict(max_epochs=EPOCHS, val_interval=EPOCHS)
optim_wrapper = dict(optimizer=dict(lr=0.0015))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=100),
    dict(
        type='CosineAnnealingLR',
        eta_min=3e-5,
        begin=0,
        end=EPOCHS,
        T_max=EPOCHS,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
]
default_hooks = dict(checkpoint=dict(interval=EPOCHS))
