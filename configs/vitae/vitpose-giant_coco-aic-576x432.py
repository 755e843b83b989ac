_base_ = ['../multi_task/vitpose-base_coco-aic-256x192.py', '../_base_/giant.py']
from vitpose_plus.experiment import multi_task

model, train_dataloader, val_dataloader, test_dataloader, val_evaluator, test_evaluator = (
    multi_task(_base_.datasets, _base_.crops, _base_.augmentation, input_hw=(576, 432))
)

model['backbone'].update(_base_.giant_backbone)
model['head']['head'] = _base_.giant_decoder
optim_wrapper = _base_.giant_optim
