# Only the convolution branch differs from ViTPose-B. This model is in no table of the papers.
_base_ = '../vitpose/vitpose-base_coco-256x192.py'

model = dict(backbone=dict(type='ViTAE'))
