_base_ = './vitpose-plus-base_six-datasets-256x192.py'

model = dict(neck=_base_.upsampling, head=dict(head=_base_.simple_decoder))
