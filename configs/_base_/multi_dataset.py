# ViTPose+-B without its datasets: `multi_dataset_config` adds the experts.
_base_ = './multi_task.py'

model = dict(backbone=dict(ffn=dict(type='PartiallySharedFFN')))
