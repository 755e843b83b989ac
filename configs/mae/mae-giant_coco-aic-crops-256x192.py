# ViTPose-G's backbone; the paper's was pre-trained with patches of 14x14.
_base_ = './mae-vitae-base_coco-aic-crops-256x192.py'

model = dict(backbone=dict(arch='giant', ffn=dict(type='SharedFFN', hidden_dim=6144)))
