# The size of ViTPose-G, which is our reading (vitpose_plus/models/vitae.py): add this file as a
# second base. Two bases must not set the same key. The config itself therefore assigns the
# variables below.
giant_ffn = dict(type='SharedFFN', hidden_dim=6144)
giant_backbone = dict(type='ViTAE', arch='giant', ffn=giant_ffn, drop_path_rate=0.55)
giant_decoder = dict(in_channels=1408)
giant_optim = dict(paramwise_cfg=dict(num_layers=40, layer_decay_rate=0.85))
