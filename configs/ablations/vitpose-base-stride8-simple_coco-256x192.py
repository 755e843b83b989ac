_base_ = './vitpose-base-stride8_coco-256x192.py'

model = dict(neck=dict(_base_.upsampling, scale_factor=2.0), head=_base_.simple_decoder)
