# As a second parent, stage 1 of a distillation (ViTPose, section 3.4): of a trained model only one
# token more is trained, "for several epochs". How many, how fast, and that it does not decay, is
# our reading. No two parents may set the same, so that the config itself takes these over.
token_backbone = dict(num_prefix_tokens=1)
token_optim = dict(optimizer=dict(weight_decay=0.0))
token_schedule = [
    dict(type='LinearLR', end=500, start_factor=0.001, by_epoch=False),
    dict(type='CosineAnnealingLR', T_max=10, convert_to_iter_based=True),
]
token_epochs = dict(max_epochs=10)
token_hooks = dict(token=dict(type='KnowledgeTokenHook'))
