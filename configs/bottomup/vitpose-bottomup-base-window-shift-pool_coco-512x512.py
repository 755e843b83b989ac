# The windows of ViTPose's table 5 at their best: no layer sees the whole picture but by means.
_base_ = './vitpose-bottomup-base_coco-512x512.py'

model = dict(
    backbone=dict(
        attention=[dict(type='PoolingWindowAttention'), dict(type='ShiftedPoolingWindowAttention')]
    )
)
