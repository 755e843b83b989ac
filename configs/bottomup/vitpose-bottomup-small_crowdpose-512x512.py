_base_ = ['./vitpose-bottomup-small_coco-512x512.py', '../datasets/crowdpose.py']
from vitpose_plus.experiments import bottom_up_config

globals().update(bottom_up_config(_base_, 'crowdpose'))
