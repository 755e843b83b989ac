# 8 GPUs, 128 images each: every GPU holds an eighth of parameters, gradients and optimiser, and
# layers are computed twice instead of keeping their activations.
_base_ = '../vitpose_plus/vitpose-plus-huge_six-datasets-256x192.py'

runner_type = 'FlexibleRunner'
strategy = dict(
    type='ShardedStrategy',
    model_wrapper=dict(type='MMFullyShardedDataParallel', auto_wrap_policy='is_transformer_layer'),
    activation_checkpointing=dict(check_fn='is_transformer_layer'),
    state_dict_cfg='full',
)
default_hooks = dict(checkpoint_guard=dict(type='ShardedCheckpointGuardHook'))
optim_wrapper = dict(type='Bf16OptimWrapper')
# All processes must take part in every forward pass: none may run out of batches before another.
val_dataloader = dict(sampler=dict(round_up=True))
test_dataloader = val_dataloader
