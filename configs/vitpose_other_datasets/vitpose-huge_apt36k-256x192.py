_base_ = ['../vitpose/vitpose-huge_coco-256x192.py', '../datasets/apt36k.py']
from vitpose_plus.experiment import single_dataset

model, train_dataloader, val_dataloader, test_dataloader, val_evaluator, test_evaluator = (
    single_dataset('apt36k', _base_.apt36k, _base_.crops, _base_.augmentation)
)
