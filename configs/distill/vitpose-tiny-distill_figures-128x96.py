_base_ = '../figures/vitpose-tiny_figures-128x96.py'

model = dict(
    type='DistilledTopdown',
    backbone=dict(num_prefix_tokens=1),
    token=dict(
        type='MappedKnowledgeToken', file='work_dirs/vitpose-tiny-token_figures-128x96/token.pth'
    ),
    teacher=dict(
        type='RunningTeacher',
        config='vitpose-tiny-teacher_figures-128x96',
        checkpoint='work_dirs/vitpose-tiny-teacher_figures-128x96/epoch_10.pth',
    ),
)
default_hooks = dict(token_map=dict(type='TokenMapHook'))
