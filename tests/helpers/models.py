"""Small models: plain models, and models for several datasets."""

import torch
from mmpose.registry import MODELS

SIX = ['coco', 'aic', 'mpii', 'ap10k', 'apt36k', 'coco_wholebody']
KEYPOINTS = [17, 14, 16, 17, 17, 133]


def plain(simple=False):
    head = dict(type='HeatmapHead', in_channels=16, out_channels=17)
    if simple:
        head.update(
            deconv_out_channels=[],
            deconv_kernel_sizes=[],
            final_layer=dict(kernel_size=3, padding=1),
        )
    else:
        head.update(deconv_out_channels=(8, 8), deconv_kernel_sizes=(4, 4))
    backbone = dict(type='ViT', arch=dict(depth=2, dim=16, num_heads=2), input_hw=(64, 48))
    return MODELS.build(dict(type='TopdownPoseEstimator', backbone=backbone, head=head))


def plus(
    names=SIX,
    keypoints=KEYPOINTS,
    ffn='PartiallySharedFFN',
    attention='FullAttention',
    num_experts=None,
):
    heads = [
        dict(
            dataset=name,
            num_keypoints=k,
            codec=dict(type='UDPHeatmap', input_size=(48, 64), heatmap_size=(12, 16), sigma=2),
        )
        for name, k in zip(names, keypoints, strict=True)
    ]
    head = dict(type='HeatmapHead', in_channels=16, deconv_out_channels=[8, 8])
    head['deconv_kernel_sizes'] = [4, 4]
    experts = {} if ffn == 'SharedFFN' else dict(num_experts=num_experts or len(names))
    backbone = dict(type='ViT', arch=dict(depth=2, dim=16, num_heads=2), input_hw=(64, 48))
    return MODELS.build(
        dict(
            type='MultiDatasetTopdown',
            backbone=dict(backbone, ffn=dict(type=ffn, **experts), attention=dict(type=attention)),
            head=dict(type='MultiDatasetHead', head=head, heads=heads),
        )
    )


def same(a, b):
    assert set(a) == set(b)
    for name, value in b.items():
        assert torch.equal(a[name], value), name
