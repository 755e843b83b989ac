# As a second parent it makes a config's model too large for one GPU: every process holds a share of
# parameters, gradients and optimiser, and layers are computed twice instead of keeping their
# activations.
runner_type = 'FlexibleRunner'
strategy = dict(
    type='ShardedStrategy',
    model_wrapper=dict(type='MMFullyShardedDataParallel', auto_wrap_policy='is_transformer_layer'),
    activation_checkpointing=dict(check_fn='is_transformer_layer'),
    state_dict_cfg='full',
)
# No two parents may set the same, so that the config itself takes these over.
sharded_hooks = dict(checkpoint_guard=dict(type='ShardedCheckpointGuardHook'))
sharded_optim = dict(type='Bf16OptimWrapper')
# All processes must take part in every forward pass: none may run out of batches before another.
sharded_loader = dict(sampler=dict(round_up=True))
