_base_ = [
    '../_base_/giant.py',
    '../datasets/coco.py',
    '../datasets/aic.py',
]
from vitpose_plus.experiment import multi_task

datasets = dict(
    coco=_base_.coco,
    aic=_base_.aic,
)

model, train_dataloader, val_dataloader, test_dataloader, val_evaluator, test_evaluator = (
    multi_task(datasets, _base_.crops, _base_.augmentation, input_hw=(576, 432))
)
