_base_ = [
    '../vitpose/vitpose-base_coco-256x192.py',
    '../datasets/interhand2d.py',
    '../_base_/transfer_60e.py',
]
from vitpose_plus.experiment import single_dataset

model, train_dataloader, val_dataloader, test_dataloader, val_evaluator, test_evaluator = (
    single_dataset('interhand2d', _base_.interhand2d, _base_.crops, _base_.augmentation)
)

optim_wrapper, param_scheduler, train_cfg = _base_.transfer
