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
        checkpoint=f'work_dirs/vitpose-tiny-teacher_figures-128x96/epoch_{_base_.max_epochs}.pth',
    ),
)
default_hooks = dict(token_map=dict(type='TokenMapHook'))
