# ViTPose-G's backbone; the paper's was pre-trained with patches of 14x14. On 32 GPUs: 512 pictures
# want more than 100 GB of each, by the numbers of docs/scale.md.
_base_ = ['./mae-vitae-base_coco-aic-crops-256x192.py', '../_base_/giant.py']

model = dict(backbone=dict(arch='giant', ffn=_base_.giant_ffn))
train_dataloader = dict(batch_size=128)
