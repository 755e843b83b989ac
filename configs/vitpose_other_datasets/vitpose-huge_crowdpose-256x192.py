_base_ = ['../vitpose/vitpose-huge_coco-256x192.py', '../datasets/crowdpose.py']
from vitpose_plus.experiment import single_dataset

model, train_dataloader, val_dataloader, test_dataloader, val_evaluator, test_evaluator = (
    single_dataset('crowdpose', _base_.crowdpose, _base_.crops, _base_.augmentation)
)
