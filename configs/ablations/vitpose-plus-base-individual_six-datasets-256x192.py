# I-FFN: every dataset has its own FFNs.
_base_ = '../vitpose_plus/vitpose-plus-base_six-datasets-256x192.py'

model = dict(backbone=dict(ffn=dict(type='IndividualFFN')))
