# Pre-training on whole pictures of COCO and AIC that show people (ViTPose, table 3: 300 thousand).
_base_ = ['../_base_/mae.py', '../datasets/coco.py', '../datasets/aic.py']
from vitpose_plus.experiments import whole_pictures_config

globals().update(whole_pictures_config(_base_, ['coco', 'aic']))
