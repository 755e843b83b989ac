_base_ = [
    '../_base_/multi_dataset.py',
    '../datasets/coco.py',
    '../datasets/aic.py',
    '../datasets/mpii.py',
    '../datasets/ap10k.py',
    '../datasets/apt36k.py',
    '../datasets/coco_wholebody.py',
]
from vitpose_plus.experiment import multi_dataset

# The order of the experts, as in the released weights.
datasets = dict(
    coco=_base_.coco,
    aic=_base_.aic,
    mpii=_base_.mpii,
    ap10k=_base_.ap10k,
    apt36k=_base_.apt36k,
    coco_wholebody=_base_.coco_wholebody,
)

model, train_dataloader, val_dataloader, test_dataloader, val_evaluator, test_evaluator = (
    multi_dataset(datasets, _base_.crops, _base_.augmentation, input_hw=(256, 192))
)
