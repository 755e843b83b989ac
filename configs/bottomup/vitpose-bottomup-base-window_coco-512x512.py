# As in ViTDet, which is designed for large inputs: full attention in every third layer.
_base_ = './vitpose-bottomup-base_coco-512x512.py'

model = dict(
    backbone=dict(
        attention=[
            dict(type='WindowAttention'),
            dict(type='WindowAttention'),
            dict(type='FullAttention'),
        ]
    )
)
