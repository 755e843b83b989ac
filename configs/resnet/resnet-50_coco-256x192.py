# Table 2 of ViTPose: the classic decoder of a CNN has three deconvolutions, for features of 1/32.
_base_ = ['../_base_/single_dataset.py', '../datasets/coco.py']
from vitpose_plus.experiment import single_dataset

plain = dict(_base_.coco, crop='plain')  # as SimpleBaseline
model, train_dataloader, val_dataloader, test_dataloader, val_evaluator, test_evaluator = (
    single_dataset('coco', plain, _base_.crops, _base_.augmentation)
)
model['backbone'] = dict(
    _delete_=True,
    type='ResNet',
    depth=50,
    init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50'),
)
model['head'].update(
    in_channels=2048, deconv_out_channels=(256, 256, 256), deconv_kernel_sizes=(4, 4, 4)
)
optim_wrapper = dict(_delete_=True, optimizer=dict(type='Adam', lr=5e-4))
