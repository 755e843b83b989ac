# The best windows of ViTPose's table 5: layers see other windows only as means of their tokens.
_base_ = './vitpose-bottomup-base_coco-512x512.py'

model = dict(
    backbone=dict(
        attention=[dict(type='PoolingWindowAttention'), dict(type='ShiftedPoolingWindowAttention')]
    )
)
