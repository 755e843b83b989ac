# As with the authors' option, positions and the patch projection are frozen with the FFNs.
_base_ = './vitpose-base_coco-256x192.py'

model = dict(backbone=dict(frozen=('ffn', 'norm2', 'patch_embed', 'pos_embed')))
