"""The configs of the ablations, and training with every combination of attention and FFN."""

from itertools import product

import pytest
import torch
from mmengine.config import Config
from mmpose.registry import MODELS

from vitpose_plus.experiments.catalogue import find_config
from vitpose_plus.models.building import build_on_meta

WITH_TABLES = dict(type='FullAttention', rel_pos=dict(type='RelativePosition'))
ATTENTIONS = {
    'full': dict(type='FullAttention'),
    'full with tables': WITH_TABLES,
    'window': dict(type='WindowAttention', window_hw=(3, 2)),
    'shift': [
        dict(type='WindowAttention', window_hw=(3, 2)),
        dict(type='ShiftedWindowAttention', window_hw=(3, 2)),
    ],
    'pool': dict(type='PoolingWindowAttention', window_hw=(3, 2)),
    'shift and pool': [
        dict(type='PoolingWindowAttention', window_hw=(3, 2)),
        dict(type='ShiftedPoolingWindowAttention', window_hw=(3, 2)),
    ],
}
FFNS = {
    'SharedFFN': {},
    'IndividualFFN': dict(num_experts=3),
    'IndividualSharedFFN': dict(num_experts=3),
    'PartiallySharedFFN': dict(num_experts=3),
}


@pytest.mark.parametrize(('attention', 'ffn'), product(ATTENTIONS, FFNS))
def test_every_attention_trains_with_every_ffn(attention, ffn):
    """With windows that do not divide the grid of 4x3, and with images of all datasets."""
    vit = MODELS.build(
        dict(
            type='ViT',
            arch=dict(depth=2, dim=16, num_heads=2),
            input_hw=(64, 48),
            attention=ATTENTIONS[attention],
            ffn=dict(type=ffn, **FFNS[ffn]),
        )
    )
    optimizer = torch.optim.AdamW(vit.parameters(), lr=0.01)
    images, index = torch.randn(3, 3, 64, 48), torch.tensor([2, 0, 1])
    target = torch.randn(3, 16, 4, 3)
    losses = []
    for _ in range(5):
        loss = (vit(images, index)[0] - target).square().mean()
        optimizer.zero_grad()
        loss.backward()
        for name, parameter in vit.named_parameters():
            rows = parameter.grad.flatten(1) if 'experts' in name else parameter.grad[None]
            assert rows.flatten(1).any(1).all(), name
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


def test_full_attention_in_layers_2_5_8_and_11():
    vit = build_on_meta(
        Config.fromfile(find_config('vitpose-base-stride8-window-full_coco-256x192')).model.backbone
    )
    kinds = [type(layer.attention).__name__ for layer in vit.layers]
    assert [i for i, kind in enumerate(kinds) if kind == 'FullAttention'] == [2, 5, 8, 11]


def test_every_second_layer_is_shifted():
    vit = build_on_meta(
        Config.fromfile(
            find_config('vitpose-base-stride8-window-shift_coco-256x192')
        ).model.backbone
    )
    shifts = [layer.attention.shift_hw((32, 24)) for layer in vit.layers]
    assert shifts == [(0, 0), (4, 4)] * 6
