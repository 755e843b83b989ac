_base_ = '../vitpose_plus/vitpose-plus-base_six-datasets-256x192.py'

model = dict(backbone=dict(ffn=dict(expert_dim=96)))
