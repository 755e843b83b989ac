_base_ = ['../vitpose/vitpose-small_coco-256x192.py', '../datasets/coco_wholebody.py']
from vitpose_plus.experiment import single_dataset

model, train_dataloader, val_dataloader, test_dataloader, val_evaluator, test_evaluator = (
    single_dataset('coco_wholebody', _base_.coco_wholebody, _base_.crops, _base_.augmentation)
)
