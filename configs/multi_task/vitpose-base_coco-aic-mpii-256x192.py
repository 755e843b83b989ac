_base_ = [
    '../_base_/multi_task.py',
    '../datasets/coco.py',
    '../datasets/aic.py',
    '../datasets/mpii.py',
]
from vitpose_plus.experiments import multi_task_config

globals().update(multi_task_config(_base_, ['coco', 'aic', 'mpii']))
