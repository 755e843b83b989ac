_base_ = './vitpose-base_coco-256x192.py'
from vitpose_plus.experiment import single_dataset

model, train_dataloader, val_dataloader, test_dataloader, val_evaluator, test_evaluator = (
    single_dataset('coco', _base_.coco, _base_.crops, _base_.augmentation, input_hw=(384, 288))
)
