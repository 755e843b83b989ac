_base_ = '../../../configs/figures/vitpose-plus-tiny_figures-256x192.py'
custom_imports = dict(imports=['vitpose_plus', 'projects.example_attention.stripe_attention'])

model = dict(backbone=dict(attention=dict(type='StripeAttention')))
