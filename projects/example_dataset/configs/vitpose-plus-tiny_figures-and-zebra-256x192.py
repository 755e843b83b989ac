_base_ = ['../../../configs/figures/vitpose-plus-tiny_figures-256x192.py', '../zebra/dataset.py']
from vitpose_plus.experiments import multi_dataset_config

globals().update(
    multi_dataset_config(_base_, [*_base_.datasets, 'zebra'], data_root='work_dirs/example_dataset')
)
