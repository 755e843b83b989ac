_base_ = './vitpose-base-stride8_coco-256x192.py'

model = dict(
    backbone=dict(
        attention=[
            dict(type='PoolingWindowAttention', window_hw=(16, 12)),
            dict(type='ShiftedPoolingWindowAttention', window_hw=(16, 12)),
        ]
    )
)
