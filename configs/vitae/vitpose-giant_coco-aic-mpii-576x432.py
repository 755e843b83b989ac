_base_ = ['../multi_task/vitpose-base_coco-aic-mpii-256x192.py', '../_base_/giant.py']
from vitpose_plus.experiments import multi_task_config

model = dict(backbone=_base_.giant_backbone, head=dict(head=_base_.giant_decoder))
globals().update(multi_task_config(_base_, input_hw=(576, 432), model=model))
optim_wrapper = _base_.giant_optim
