# ViTPose+-B without its datasets: `vitpose_plus.experiment.multi_dataset` fills in input size,
# experts, heads, datasets and metrics.
_base_ = ['./runtime.py', './schedule_210e.py', './crops.py']

model = dict(
    type='MultiDatasetTopdown',
    data_preprocessor=dict(
        type='PoseDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
    ),
    backbone=dict(type='ViT', arch='base', ffn=dict(type='PartiallySharedFFN'), drop_path_rate=0.3),
    head=dict(
        type='MultiDatasetHead',
        head=dict(
            type='HeatmapHead',
            in_channels=768,
            deconv_out_channels=(256, 256),
            deconv_kernel_sizes=(4, 4),
            loss=dict(type='KeypointMSELoss', use_target_weight=True),
        ),
    ),
    # The accuracy is counted on the CPU, every step, and not at all in bf16.
    train_cfg=dict(compute_acc=False),
    test_cfg=dict(flip_test=True, flip_mode='heatmap'),
)

optim_wrapper = dict(optimizer=dict(lr=1e-3))
auto_scale_lr = dict(base_batch_size=1024)

train_dataloader = dict(
    batch_size=128,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
)
val_dataloader = dict(
    batch_size=64,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
)
test_dataloader = val_dataloader
