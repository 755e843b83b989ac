_base_ = [
    '../_base_/multi_dataset.py',
    '../datasets/coco.py',
    '../datasets/aic.py',
    '../datasets/mpii.py',
    '../datasets/ap10k.py',
    '../datasets/apt36k.py',
    '../datasets/coco_wholebody.py',
]
from vitpose_plus.experiments import multi_dataset_config

# The order of the experts, as in the released weights.
globals().update(
    multi_dataset_config(
        _base_, ['coco', 'aic', 'mpii', 'ap10k', 'apt36k', 'coco_wholebody'], input_hw=(256, 192)
    )
)
