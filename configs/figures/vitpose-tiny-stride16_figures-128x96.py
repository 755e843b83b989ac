# Fewer and wider tokens (8x6), which are cheap to pre-train. The patches are those of mae-tiny.
_base_ = './vitpose-tiny_figures-128x96.py'

model = dict(
    backbone=dict(arch='tiny', patch=dict(kernel_size=16, stride=16)),
    head=dict(in_channels=128, deconv_out_channels=(64, 64), deconv_kernel_sizes=(4, 4)),
)
