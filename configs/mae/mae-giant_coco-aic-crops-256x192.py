# The backbone of ViTPose-G; the paper's was pre-trained with patches of 14x14. For 32 GPUs: by the
# numbers of docs/scale.md, 512 pictures per GPU would need more than 100 GB.
_base_ = ['./mae-vitae-base_coco-aic-crops-256x192.py', '../_base_/giant.py']

model = dict(backbone=dict(arch='giant', ffn=_base_.giant_ffn))
train_dataloader = dict(batch_size=128)
