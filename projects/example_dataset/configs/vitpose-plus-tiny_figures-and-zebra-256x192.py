_base_ = ['../../../configs/figures/vitpose-plus-tiny_figures-256x192.py', './zebra.py']
from vitpose_plus.experiment import multi_dataset

datasets = dict(**_base_.datasets, zebra=_base_.zebra)

model, train_dataloader, val_dataloader, test_dataloader, val_evaluator, test_evaluator = (
    multi_dataset(datasets, _base_.crops, _base_.augmentation, data_root='work_dirs/demo/figures')
)
