_base_ = ['../_base_/bottomup.py', '../datasets/coco.py']
from vitpose_plus.experiments import bottom_up_config

globals().update(bottom_up_config(_base_, 'coco'))
