_base_ = '../vitpose/vitpose-base_coco-256x192.py'

model = dict(
    type='DistilledTopdown',
    backbone=dict(num_prefix_tokens=1),
    token=dict(
        type='MappedKnowledgeToken', file='work_dirs/vitpose-large-token_coco-256x192/token.pth'
    ),
)
default_hooks = dict(token_map=dict(type='TokenMapHook'))
