"""A small RTMDet for the people and animals of the synthetic figures.

It trains in minutes on two cores.
"""

_base_ = 'mmdet::rtmdet/rtmdet_l_8xb32-300e_coco.py'

EPOCHS = 11
CLASSES = ('person', 'animal')
norm_cfg = dict(type='BN')  # SyncBN needs several processes

model = dict(
    data_preprocessor=dict(pad_size_divisor=32),
    backbone=dict(deepen_factor=0.33, widen_factor=0.1875, norm_cfg=norm_cfg),
    neck=dict(in_channels=[48, 96, 192], out_channels=48, num_csp_blocks=1, norm_cfg=norm_cfg),
    bbox_head=dict(
        num_classes=len(CLASSES),
        in_channels=48,
        feat_channels=48,
        share_conv=False,
        norm_cfg=norm_cfg,
    ),
    test_cfg=dict(nms_pre=1000, score_thr=0.01, max_per_img=50),
)

resize = dict(type='Resize', scale=(320, 256), keep_ratio=True)  # of the long and the short side
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True),
    resize,
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackDetInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    resize,
    dict(
        type='PackDetInputs',
        meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor'),
    ),
]

data = dict(data_root='work_dirs/demo/figures/mixed/', metainfo=dict(classes=CLASSES))
train_dataloader = dict(
    batch_size=4,
    num_workers=0,
    persistent_workers=False,
    pin_memory=False,
    dataset=dict(
        ann_file='annotations/boxes_train.json',
        data_prefix=dict(img='train/'),
        filter_cfg=dict(filter_empty_gt=False),
        pipeline=train_pipeline,
        **data,
    ),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(
        ann_file='annotations/boxes_val.json',
        data_prefix=dict(img='val/'),
        pipeline=test_pipeline,
        **data,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(ann_file=data['data_root'] + 'annotations/boxes_val.json', classwise=True)
test_evaluator = val_evaluator

train_cfg = dict(max_epochs=EPOCHS, val_interval=EPOCHS, dynamic_intervals=None)
optim_wrapper = dict(optimizer=dict(lr=0.003, fused=True))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=100),
    dict(
        type='CosineAnnealingLR',
        eta_min=3e-5,
        begin=EPOCHS // 3,
        end=EPOCHS,
        T_max=EPOCHS - EPOCHS // 3,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
]
default_hooks = dict(checkpoint=dict(interval=EPOCHS))
custom_hooks = []
