_base_ = ['../vitpose/vitpose-base_coco-256x192.py', '../datasets/apt36k.py']
from vitpose_plus.experiments import single_dataset_config

globals().update(single_dataset_config(_base_, 'apt36k'))
