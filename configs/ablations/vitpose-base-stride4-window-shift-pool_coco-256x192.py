# Features of 1/4 (not in the papers): 3072 tokens, and no up-sampling in the decoder.
_base_ = './vitpose-base-stride8-window-shift-pool_coco-256x192.py'

model = dict(
    backbone=dict(patch=dict(stride=4, padding=6)),
    head=dict(deconv_out_channels=[], deconv_kernel_sizes=[]),
)
