_base_ = './vitpose-bottomup-base_coco-512x512.py'
from vitpose_plus.experiments import bottom_up_config

globals().update(bottom_up_config(_base_, 'coco', input_hw=(640, 640)))
