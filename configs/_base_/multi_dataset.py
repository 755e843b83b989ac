# ViTPose+-B without its datasets: `vitpose_plus.experiment.multi_dataset` adds the experts.
_base_ = './multi_task.py'

model = dict(backbone=dict(ffn=dict(type='PartiallySharedFFN')))
