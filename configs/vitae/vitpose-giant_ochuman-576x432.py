_base_ = ['./vitpose-giant_coco-576x432.py', '../datasets/ochuman.py']
from vitpose_plus.experiments import single_dataset_config

globals().update(single_dataset_config(_base_, 'ochuman', input_hw=(576, 432)))
