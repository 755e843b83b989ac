_base_ = '../vitpose/vitpose-large_coco-256x192.py'

model = dict(backbone=dict(type='ViTAE'))
