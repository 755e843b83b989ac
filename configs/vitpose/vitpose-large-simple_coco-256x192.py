_base_ = './vitpose-large_coco-256x192.py'

model = dict(neck=_base_.upsampling, head=_base_.simple_decoder)
