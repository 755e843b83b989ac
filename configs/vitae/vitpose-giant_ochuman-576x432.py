_base_ = ['./vitpose-giant_coco-576x432.py', '../datasets/ochuman.py']
from vitpose_plus.experiment import single_dataset

model, train_dataloader, val_dataloader, test_dataloader, val_evaluator, test_evaluator = (
    single_dataset(
        'ochuman', _base_.ochuman, _base_.crops, _base_.augmentation, input_hw=(576, 432)
    )
)
