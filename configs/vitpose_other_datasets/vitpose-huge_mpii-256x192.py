_base_ = ['../vitpose/vitpose-huge_coco-256x192.py', '../datasets/mpii.py']
from vitpose_plus.experiments import single_dataset_config

globals().update(single_dataset_config(_base_, 'mpii'))
