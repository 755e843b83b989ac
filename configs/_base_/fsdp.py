# For a model that does not fit on one GPU: add this file as a second base. Every process has only a
# part of the parameters, gradients and optimiser state. Activations of the layers are not kept, but
# computed again in the backward pass.
runner_type = 'FlexibleRunner'
strategy = dict(
    type='ShardedStrategy',
    model_wrapper=dict(type='MMFullyShardedDataParallel', auto_wrap_policy='is_transformer_layer'),
    activation_checkpointing=dict(check_fn='is_transformer_layer'),
    state_dict_cfg='full',
)
# Two bases must not set the same key. The config itself therefore assigns the variables below.
sharded_hooks = dict(checkpoint_guard=dict(type='ShardedCheckpointGuardHook'))
sharded_optim = dict(type='Bf16OptimWrapper')
# All processes must take part in every forward pass, so all need the same number of batches.
sharded_loader = dict(sampler=dict(round_up=True))
