_base_ = './vitpose-base_coco-256x192.py'

model = dict(backbone=dict(frozen=('attention', 'norm1')))
