_base_ = ['../_base_/bottomup.py', '../datasets/coco.py']
from vitpose_plus.experiments.bottom_up import bottom_up

model, train_dataloader, val_dataloader, test_dataloader, val_evaluator, test_evaluator = bottom_up(
    'coco', _base_.coco, _base_.affine
)
