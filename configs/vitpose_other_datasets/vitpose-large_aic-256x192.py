_base_ = ['../vitpose/vitpose-large_coco-256x192.py', '../datasets/aic.py']
from vitpose_plus.experiments import single_dataset_config

globals().update(single_dataset_config(_base_, 'aic'))
