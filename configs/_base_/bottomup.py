# A bottom-up ViTPose-B without its dataset: `bottom_up_config` adds it. For 8 GPUs.
# The authors published no bottom-up model: this is our reading (docs/bottom_up.md).
_base_ = ['./runtime.py', './pictures.py', './schedule_210e.py']

model = dict(
    type='BottomupPoseEstimator',
    backbone=dict(type='ViT', arch='base', drop_path_rate=0.3),
    head=dict(
        type='BottomUpHead',
        in_channels=768,
        deconv_out_channels=(256, 256),
        deconv_kernel_sizes=(4, 4),
        tag_loss=dict(type='BatchedAssociativeEmbeddingLoss', loss_weight=0.001),
    ),
    test_cfg=dict(flip_test=True),
)

# The values of HigherHRNet. Its shift of 40 pixels for a side of 200 is a factor of 0.2.
affine = dict(
    type='BottomupRandomAffine',
    distribution='uniform',
    shift_factor=0.2,
    scale_factor=(0.75, 1.5),
    rotate_factor=30.0,
)

train_dataloader = dict(batch_size=24, dataset=dict())
# Pictures keep their aspect ratio and differ in shape, so a batch has only one picture.
val_dataloader = dict(
    batch_size=1,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(),
)
test_dataloader = val_dataloader
val_evaluator = dict()
test_evaluator = dict()

# The learning rate is ViTPose's: 192 pictures show about as many people as its batch has crops.
auto_scale_lr = dict(base_batch_size=192)
param_scheduler = [
    dict(type='LinearLR', begin=0, end=500, start_factor=0.001, by_epoch=False),
    dict(type='MultiStepLR', begin=0, end=300, milestones=[200, 260], gamma=0.1, by_epoch=True),
]
train_cfg = dict(max_epochs=300)
