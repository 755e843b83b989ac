# On the pictures of COCO and AIC that show people, as they are (ViTPose, table 3: 300 thousand).
_base_ = ['../_base_/mae.py', '../datasets/coco.py', '../datasets/aic.py']
from vitpose_plus.pretraining import whole_pictures

model, train_dataloader = whole_pictures({'coco': _base_.coco, 'aic': _base_.aic})
