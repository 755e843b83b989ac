_base_ = './resnet-152_coco-256x192.py'

model = dict(neck=dict(_base_.upsampling, scale_factor=8.0), head=_base_.simple_decoder)
