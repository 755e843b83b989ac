"""Compares multiply-adds with those of ViTPose, tables 5 and 6, which are for the backbone only."""

import pytest
import torch
from mmengine.config import Config
from mmpose.registry import MODELS

from vitpose_plus.evaluation.complexity import multiply_adds
from vitpose_plus.experiments.catalogue import find_config
from vitpose_plus.models.building import build_on_meta

# Attention of `vitpose-base-stride8*` -> 10^9 multiply-adds in the paper, and relative tolerance.
# For windows of 8x8, the numbers of the paper are 0.4 % and 0.6 % less than those of its method.
TABLE_5 = {
    '': (76.59, 1e-3),
    '-window': (66.31, 6e-3),
    '-window-shift': (66.31, 6e-3),
    '-window-pool': (66.39, 6e-3),
    '-window-shift-pool': (66.39, 6e-3),
    '-window-full': (69.94, 1e-3),
    '-window16x12-shift-pool': (68.46, 1e-4),
}


def counted(name):
    """Counts without relative positions, as the paper does: see docs/attention.md."""
    backbone = build_on_meta(Config.fromfile(find_config(name)).model.backbone)
    for layer in backbone.layers:
        layer.attention.rel_pos = None
    return multiply_adds(backbone, (256, 192)) / 1e9


@pytest.mark.parametrize('kind', TABLE_5)
def test_attention_kinds_cost_as_much_as_in_the_paper(kind):
    """These numbers show that full attention is in every third layer."""
    reported, error = TABLE_5[kind]
    found = counted(f'vitpose-base-stride8{kind}_coco-256x192')
    assert found == pytest.approx(reported, rel=error)


def test_stride_16_costs_as_much_as_in_the_paper():
    assert counted('vitpose-base_coco-256x192') == pytest.approx(17.1, rel=1e-3)


def test_a_single_layer_by_hand():
    """N patches of 16 x 16 x 3 numbers, then 12 C^2 for each token, and 2 N^2 C for attention."""
    n, c = 16 * 12, 64
    with torch.device('meta'):
        vit = MODELS.build(dict(type='ViT', arch=dict(depth=1, dim=c, num_heads=2)))
    by_hand = n * 16 * 16 * 3 * c + n * 12 * c * c + 2 * n * n * c
    assert multiply_adds(vit, (256, 192)) == by_hand
