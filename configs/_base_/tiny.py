# A plain model of our own size `tiny`, for small datasets and machines without a GPU.
_base_ = './single_dataset.py'

model = dict(
    backbone=dict(arch='tiny', drop_path_rate=0.0),
    head=dict(in_channels=128, deconv_out_channels=(64, 64)),
)
optim_wrapper = dict(paramwise_cfg=dict(num_layers=4, layer_decay_rate=1.0))
