default_scope = 'mmpose'
custom_imports = dict(imports=['vitpose_plus'])

default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50),
    param_scheduler=dict(type='ParamSchedulerHook'),
    # The best checkpoint has the highest first number of the validation. With several datasets,
    # this is AP or PCKh of the first dataset. If lower is better, set rule='less'.
    checkpoint=dict(
        type='WholeCheckpointHook', interval=10, max_keep_ckpts=2, save_best='auto', rule='greater'
    ),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    visualization=dict(type='PoseVisualizationHook', enable=False),
    # Not in custom_hooks: a config that sets this list would replace all its entries.
    sync_buffers=dict(type='SyncBuffersHook'),
    checkpoint_guard=dict(type='CheckpointGuardHook'),
    finite_steps=dict(type='FiniteStepsHook'),
    result_hints=dict(type='ResultHintsHook'),
)

env_cfg = dict(
    cudnn_benchmark=True,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'),
)
# By default, mmengine sets device_ids. torch refuses them on the CPU, and with one GPU per process
# they are not needed.
model_wrapper_cfg = dict(type='MMDistributedDataParallel', broadcast_buffers=False, device_ids=None)

vis_backends = [dict(type='LocalVisBackend')]
visualizer = dict(type='PoseLocalVisualizer', vis_backends=vis_backends, name='visualizer')

log_processor = dict(type='LogProcessor', window_size=50, by_epoch=True, num_digits=6)
log_level = 'INFO'
load_from = None
resume = False
