_base_ = './vitpose-base_coco-256x192.py'

model = dict(backbone=dict(arch='small', drop_path_rate=0.1), head=dict(in_channels=384))
optim_wrapper = dict(paramwise_cfg=dict(layer_decay_rate=0.8))
