# The best windows of ViTPose's table 5: tokens attend to other windows only by their mean tokens.
_base_ = './vitpose-bottomup-base_coco-512x512.py'

model = dict(
    backbone=dict(
        attention=[dict(type='PoolingWindowAttention'), dict(type='ShiftedPoolingWindowAttention')]
    )
)
