_base_ = '../vitpose_plus/vitpose-plus-small_six-datasets-256x192.py'

model = dict(
    type='DistilledMultiDatasetTopdown',
    backbone=dict(num_prefix_tokens=1),
    token=dict(
        type='MappedKnowledgeToken',
        file='work_dirs/vitpose-plus-huge-token_six-datasets-256x192/token.pth',
    ),
)
default_hooks = dict(token_map=dict(type='TokenMapHook'))
