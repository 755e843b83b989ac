# The multi-task baseline of ViTPose+: all FFNs are shared, and every dataset has its own head.
_base_ = '../vitpose_plus/vitpose-plus-base_six-datasets-256x192.py'

model = dict(backbone=dict(ffn=dict(_delete_=True, type='SharedFFN')))
