# On the people of COCO's training set, cut out (ViTPose, table 3: 150 thousand).
_base_ = ['../_base_/mae.py', '../datasets/coco.py']
from vitpose_plus.pretraining import person_crops

model, train_dataloader = person_crops({'coco': _base_.coco})
