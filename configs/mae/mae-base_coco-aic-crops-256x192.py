# Pre-training on crops of the people of COCO and AIC (ViTPose, table 3: 500 thousand).
_base_ = ['../_base_/mae.py', '../datasets/coco.py', '../datasets/aic.py']
from vitpose_plus.experiments import person_crops_config

globals().update(person_crops_config(_base_, ['coco', 'aic']))
