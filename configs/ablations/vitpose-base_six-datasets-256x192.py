# ViTPose+'s multi-task baseline: all FFNs shared, a head for each dataset.
_base_ = '../vitpose_plus/vitpose-plus-base_six-datasets-256x192.py'

model = dict(backbone=dict(ffn=dict(_delete_=True, type='SharedFFN')))
