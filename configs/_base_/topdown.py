# The common settings of every top-down model.
_base_ = ['./runtime.py', './pictures.py', './schedule_210e.py', './crops.py']

model = dict(
    backbone=dict(type='ViT', arch='base', drop_path_rate=0.3),
    # The accuracy is off: mmpose computes it on the CPU in every step, and fails in bf16.
    train_cfg=dict(compute_acc=False),
    test_cfg=dict(flip_test=True, flip_mode='heatmap'),
)

classic_decoder = dict(
    type='HeatmapHead',
    in_channels=768,
    deconv_out_channels=(256, 256),
    deconv_kernel_sizes=(4, 4),
    loss=dict(type='KeypointMSELoss', use_target_weight=True),
)
# The simple decoder: ReLU, bilinear up-sampling by 4, and one 3x3 convolution.
simple_decoder = dict(
    deconv_out_channels=[], deconv_kernel_sizes=[], final_layer=dict(kernel_size=3, padding=1)
)
upsampling = dict(type='FeatureMapProcessor', scale_factor=4.0, apply_relu=True)

val_dataloader = dict(
    batch_size=64,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
)
test_dataloader = val_dataloader
