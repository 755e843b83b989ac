# ViTPose-G without its datasets. Its size is our reading (vitpose_plus/models/vitae.py).
_base_ = './multi_task.py'

model = dict(
    backbone=dict(
        type='ViTAE',
        arch='giant',
        ffn=dict(type='SharedFFN', hidden_dim=6144),
        drop_path_rate=0.55,
    ),
    head=dict(head=dict(in_channels=1408)),
)
optim_wrapper = dict(paramwise_cfg=dict(num_layers=40, layer_decay_rate=0.85))
