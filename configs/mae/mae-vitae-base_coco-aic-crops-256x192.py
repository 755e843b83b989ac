# A ViTAE-B with 1x1 kernels, because neighbours are hidden. A pose model pads the kernels to 3x3.
_base_ = './mae-base_coco-aic-crops-256x192.py'

model = dict(
    backbone=dict(type='ViTAE', convolution=dict(type='ParallelConvolution', kernel_size=1))
)
