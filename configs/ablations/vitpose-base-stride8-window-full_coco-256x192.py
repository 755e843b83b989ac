# As in ViTDet: full attention in layers 2, 5, 8 and 11, counted from 0.
_base_ = './vitpose-base-stride8_coco-256x192.py'

model = dict(
    backbone=dict(
        attention=[
            dict(type='WindowAttention'),
            dict(type='WindowAttention'),
            dict(type='FullAttention'),
        ]
    )
)
