_base_ = './vitpose-bottomup-base_coco-512x512.py'

model = dict(backbone=dict(arch='small', drop_path_rate=0.1), head=dict(in_channels=384))
optim_wrapper = dict(paramwise_cfg=dict(layer_decay_rate=0.8))
