# Pre-training on the people of the demo's figures (python -m vitpose_plus figures). It trains in
# minutes on a CPU.
_base_ = './mae-base_coco-aic-crops-256x192.py'
from vitpose_plus.experiments import person_crops_config

globals().update(
    person_crops_config(
        _base_,
        ['coco', 'aic'],
        data_root='work_dirs/demo/figures',
        model=dict(backbone=dict(arch='tiny'), decoder=dict(depth=2, dim=64, num_heads=4)),
        train_dataloader=dict(batch_size=32, num_workers=2),
    )
)

optim_wrapper = dict(optimizer=dict(lr=1.5e-3))
param_scheduler = [
    dict(type='LinearLR', end=1, start_factor=0.01, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', begin=1, end=10, convert_to_iter_based=True),
]
train_cfg = dict(max_epochs=10)
randomness = dict(seed=0)
