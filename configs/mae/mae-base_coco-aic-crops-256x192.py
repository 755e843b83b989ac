# On the people of COCO and AIC, cut out (ViTPose, table 3: 500 thousand).
_base_ = ['../_base_/mae.py', '../datasets/coco.py', '../datasets/aic.py']
from vitpose_plus.pretraining import person_crops

model, train_dataloader = person_crops({'coco': _base_.coco, 'aic': _base_.aic})
