# Pre-training on crops of the people of COCO's training set (ViTPose, table 3: 150 thousand).
_base_ = ['../_base_/mae.py', '../datasets/coco.py']
from vitpose_plus.experiments import person_crops_config

globals().update(person_crops_config(_base_, ['coco']))
