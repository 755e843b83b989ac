# MAE of a ViT-B without its datasets: `person_crops_config` or `whole_pictures_config` adds them.
# The paper states mask ratio and epochs. All other settings are MAE's defaults, which is our
# reading. For 8 GPUs.
_base_ = ['./runtime.py', './pictures.py']

model = dict(
    type='MaskedAutoencoder',
    # Without padding, as in the MAE encoders from which the papers start. Pose models have padding.
    backbone=dict(type='ViT', arch='base', patch=dict(kernel_size=16, stride=16, padding=0)),
    decoder=dict(type='MaskedDecoder'),
)

train_dataloader = dict(batch_size=512)
auto_scale_lr = dict(base_batch_size=4096)

# The learning rate is 1.5e-4 per 256 pictures of a batch.
optim_wrapper = dict(
    optimizer=dict(type='AdamW', lr=2.4e-3, betas=(0.9, 0.95), weight_decay=0.05, fused=True),
    paramwise_cfg=dict(
        bias_decay_mult=0.0, flat_decay_mult=0.0, custom_keys=dict(pos_embed=dict(decay_mult=0.0))
    ),
)

param_scheduler = [
    dict(type='LinearLR', end=40, start_factor=1e-4, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', begin=40, end=1600, eta_min=0.0, convert_to_iter_based=True),
]
train_cfg = dict(type='ExactTrainLoop', max_epochs=1600)
