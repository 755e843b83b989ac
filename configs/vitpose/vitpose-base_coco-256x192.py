_base_ = ['../_base_/single_dataset.py', '../datasets/coco.py']
from vitpose_plus.experiments import single_dataset_config

globals().update(single_dataset_config(_base_, 'coco', input_hw=(256, 192)))
