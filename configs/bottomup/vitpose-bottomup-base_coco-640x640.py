_base_ = './vitpose-bottomup-base_coco-512x512.py'
from vitpose_plus.experiments.bottom_up import bottom_up

model, train_dataloader, val_dataloader, test_dataloader, val_evaluator, test_evaluator = bottom_up(
    'coco', _base_.coco, _base_.affine, input_hw=(640, 640)
)
