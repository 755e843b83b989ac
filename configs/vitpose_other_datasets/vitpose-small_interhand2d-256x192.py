_base_ = './vitpose-base_interhand2d-256x192.py'

model = dict(backbone=dict(arch='small'), head=dict(in_channels=384))
