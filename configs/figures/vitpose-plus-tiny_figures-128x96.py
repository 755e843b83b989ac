# For docs/experiments.md: the demo's six datasets in small crops, with the patches of mae-tiny's.
_base_ = './vitpose-plus-tiny_figures-256x192.py'
from vitpose_plus.experiment import multi_dataset

model, train_dataloader, val_dataloader, test_dataloader, val_evaluator, test_evaluator = (
    multi_dataset(
        _base_.datasets,
        _base_.crops,
        _base_.gentle,
        input_hw=(128, 96),
        sigma=1.5,
        data_root='work_dirs/experiments/grey',
    )
)

model['backbone'].update(patch=dict(kernel_size=16, stride=16, padding=0))
train_dataloader.update(_base_.one_process)
val_dataloader.update(_base_.one_process)
test_dataloader.update(_base_.one_process)
