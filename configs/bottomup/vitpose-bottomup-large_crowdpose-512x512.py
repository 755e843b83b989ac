_base_ = ['./vitpose-bottomup-large_coco-512x512.py', '../datasets/crowdpose.py']
from vitpose_plus.experiments.bottom_up import bottom_up

model, train_dataloader, val_dataloader, test_dataloader, val_evaluator, test_evaluator = bottom_up(
    'crowdpose', _base_.crowdpose, _base_.affine
)
