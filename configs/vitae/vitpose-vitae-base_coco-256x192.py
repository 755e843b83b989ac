# The branch of convolutions is all that differs; no row of any table.
_base_ = '../vitpose/vitpose-base_coco-256x192.py'

model = dict(backbone=dict(type='ViTAE'))
