_base_ = './vitpose-base-stride8_coco-256x192.py'

model = dict(
    backbone=dict(attention=[dict(type='WindowAttention'), dict(type='ShiftedWindowAttention')])
)
