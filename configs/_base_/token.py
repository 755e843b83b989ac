# Stage 1 of a distillation (ViTPose, section 3.4): add this file as a second base. A trained model
# gets one further token, and only this token is trained, "for several epochs". The number of
# epochs, the learning rate and the zero weight decay are our reading. Two bases must not set the
# same key. The config itself therefore assigns the variables below.
token_backbone = dict(num_prefix_tokens=1)
token_optim = dict(optimizer=dict(weight_decay=0.0))
token_schedule = [
    dict(type='LinearLR', end=500, start_factor=0.001, by_epoch=False),
    dict(type='CosineAnnealingLR', T_max=10, convert_to_iter_based=True),
]
token_epochs = dict(max_epochs=10)
token_hooks = dict(token=dict(type='KnowledgeTokenHook'))
