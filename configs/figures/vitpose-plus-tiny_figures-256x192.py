# The demo: all six datasets as synthetic figures (python -m vitpose_plus figures). It trains in
# minutes on a CPU.
_base_ = [
    '../vitpose_plus/vitpose-plus-base_six-datasets-256x192.py',
    '../_base_/figures.py',
]
from vitpose_plus.experiments import multi_dataset_config

globals().update(
    multi_dataset_config(
        _base_,
        augmentation=[
            _base_.gentle[0],
            # Less than in other trainings on figures: every picture is seen only three times.
            dict(
                type='RandomBBoxTransform',
                shift_factor=0.05,
                scale_factor=(0.9, 1.1),
                rotate_factor=15.0,
            ),
        ],
        data_root='work_dirs/demo/figures',
        model=dict(
            # Positions that start as sines: the model learns faster than from random ones.
            backbone=dict(type='SinePositionViT', arch='tiny', drop_path_rate=0.0),
            head=dict(
                type='MultiDatasetHead', head=dict(in_channels=128, deconv_out_channels=(64, 64))
            ),
        ),
        # On two cores, workers would compete with the model. With a GPU, give num_workers.
        train_dataloader=dict(_base_.one_process, batch_size=24),
        val_dataloader=dict(num_workers=2),
        test_dataloader=dict(num_workers=2),
    )
)

max_epochs = 3
optim_wrapper = dict(
    optimizer=dict(lr=6e-3, weight_decay=0.05),
    paramwise_cfg=dict(num_layers=4, layer_decay_rate=1.0),
)
param_scheduler = [
    dict(type='LinearLR', begin=0, end=100, start_factor=0.01, by_epoch=False),
    dict(type='CosineAnnealingLR', T_max=max_epochs, by_epoch=True, convert_to_iter_based=True),
]
train_cfg = dict(max_epochs=max_epochs, val_interval=100)
randomness = dict(seed=0)
default_hooks = dict(checkpoint=dict(interval=1))
