_base_ = './vitpose-base_coco-256x192.py'
from vitpose_plus.experiments import single_dataset_config

globals().update(single_dataset_config(_base_, 'coco', input_hw=(256, 256)))
