# ViTPose-G on COCO alone.
_base_ = ['../vitpose/vitpose-base_coco-576x432.py', '../_base_/giant.py']

model = dict(backbone=_base_.giant_backbone, head=_base_.giant_decoder)
optim_wrapper = _base_.giant_optim
