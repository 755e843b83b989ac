_base_ = '../vitpose/vitpose-base_coco-256x192.py'

model = dict(
    type='DistilledTopdown',
    teacher=dict(
        type='RunningTeacher',
        config='vitpose-large_coco-256x192',
        checkpoint='work_dirs/vitpose-large_coco-256x192/epoch_210.pth',
    ),
)
