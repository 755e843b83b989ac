_base_ = './vitpose-plus-small-distill-token_six-datasets-256x192.py'

model = dict(
    teacher=dict(
        type='RunningTeacher',
        config='vitpose-plus-huge_six-datasets-256x192',
        checkpoint='work_dirs/vitpose-plus-huge_six-datasets-256x192/epoch_210.pth',
    ),
)
