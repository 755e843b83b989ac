# Features of 1/8 (ViTPose, table 5), with overlapping patches. With one deconvolution less, which
# is our reading, the heatmaps keep their size.
_base_ = '../vitpose/vitpose-base_coco-256x192.py'

model = dict(
    backbone=dict(patch=dict(kernel_size=16, stride=8, padding=4)),
    head=dict(deconv_out_channels=(256,), deconv_kernel_sizes=(4,)),
)
