"""``prepare`` and parts that are not ours: other heads and backbones keep their results."""

import gc
import pickle
import weakref
from copy import deepcopy

import pytest
import torch
from mmpose.models.heads import HeatmapHead
from mmpose.models.pose_estimators import TopdownPoseEstimator
from mmpose.registry import MODELS
from torch import nn

import vitpose_plus
from tests.helpers.comparing import assert_same
from tests.inference.test_prepared import (
    MIXED,
    PLAIN,
    TINY,
    built,
    crops_of,
    heatmaps,
    with_random_norms,
)
from vitpose_plus.inference.compilers import uncompiled
from vitpose_plus.inference.fast_heads import FastLayers, fast_head
from vitpose_plus.models.attention import FullAttention

LOSS = dict(type='KeypointMSELoss')
SIZES = dict(in_channels=8, out_channels=5, deconv_out_channels=(8,), deconv_kernel_sizes=(4,))


class SkippingHead(HeatmapHead):
    """A head with its own ``forward``, which uses the layers in another way."""

    def forward(self, feats):
        x = self.deconv_layers(feats[-1])
        return self.final_layer(self.conv_layers(x) + x.sigmoid())


class SubclassedHead(HeatmapHead):
    """A head with the ``forward`` of its base class."""


class Channels(nn.Module):
    """A backbone of another package: one tensor, computed with a float32 tensor of its own."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, stride=4, padding=1)
        self.mix = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        x = self.conv(x)
        return self.mix(x * torch.linspace(0, 1, x.shape[-1]))


class Listed(nn.Module):
    """A neck: one tensor -> a list of tensors."""

    def forward(self, x):
        return [x, x.flip(-2)]


def own_estimator():
    """An estimator whose backbone and neck are not ours."""
    model = TopdownPoseEstimator(
        backbone=dict(type='ResNet', depth=18), head=dict(type='HeatmapHead', loss=LOSS, **SIZES)
    )
    model.backbone, model.neck = Channels(), Listed()
    return with_random_norms(model)


@pytest.mark.parametrize('kind', [SkippingHead, SubclassedHead])
def test_heads_of_users_keep_their_heatmaps(kind):
    head = with_random_norms(
        kind(**SIZES, conv_out_channels=(8,), conv_kernel_sizes=(3,), loss=LOSS)
    )
    x = torch.randn(2, 8, 4, 3)
    with torch.no_grad():
        found = fast_head(head, torch.float32, uncompiled)
        assert_same(found((x,)), head((x,)), roundings=64)
    assert isinstance(found.deconv_layers, FastLayers) is (kind is SubclassedHead)


def test_a_head_whose_deconvolutions_have_groups_keeps_its_heatmaps():
    head = dict(SIZES, type='ViPNASHead', deconv_num_groups=(4,), loss=LOSS)
    head = with_random_norms(MODELS.build(head))
    x = torch.randn(2, 8, 4, 3)
    with torch.no_grad():
        found = fast_head(head, torch.float32, uncompiled)((x,))
        assert_same(found, head((x,)), roundings=64)


@pytest.mark.parametrize(
    ('precision', 'dtype', 'roundings'), [('fp32', torch.float32, 64), ('bf16', torch.bfloat16, 8)]
)
def test_a_backbone_of_a_user_keeps_its_heatmaps(precision, dtype, roundings):
    model = own_estimator()
    crops = torch.randn(3, 3, 32, 16)
    found = vitpose_plus.prepare(model, precision=precision)(crops)
    assert_same(found, heatmaps(model, crops), roundings=roundings, precision=dtype)


def test_the_flip_test_keeps_the_kind_of_features():
    model = own_estimator()
    model.test_cfg['flip_test'] = True
    crops = torch.randn(3, 3, 32, 16)
    network = vitpose_plus.prepare(model, precision='fp32').network
    with torch.no_grad():
        views = network._views(crops)
        for found, inputs in zip(views, (crops, crops.flip(-1)), strict=True):
            expected = model.extract_feat(inputs)
            assert type(found) is type(expected) is list
            for own, other in zip(found, expected, strict=True):
                assert_same(own, other, roundings=64)


def test_the_fast_form_does_not_keep_the_model_in_memory():
    model = built(TINY)
    network = vitpose_plus.prepare(model, precision='bf16').network
    kept = weakref.ref(model.backbone)
    del model
    gc.collect()
    assert kept() is None
    del network


def test_settings_and_hooks_of_the_fast_form_are_its_own():
    model = built(TINY)
    network = vitpose_plus.prepare(model, precision='fp32').network
    network.test_cfg['flip_test'] = not model.test_cfg['flip_test']
    network.head.register_forward_hook(lambda *args: None)
    assert network.test_cfg['flip_test'] != model.test_cfg['flip_test']
    assert not model.head._forward_hooks


@pytest.mark.parametrize('copied', [deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
def test_a_copy_has_its_own_weights(copied):
    model = built(TINY)
    fast, crops, index = vitpose_plus.prepare(model), crops_of(model, 1), torch.tensor([3])
    expected = fast(crops, index)
    copy = copied(fast)
    for each in fast.parameters():
        each.data.zero_()
    copy.to(torch.float32)  # converts all weights: earlier folded FFNs must not be used
    assert not copy.network.backbone.folded
    assert_same(copy(crops, index), expected)


def test_folded_ffns_share_the_weights_that_all_datasets_have():
    model = built(TINY)
    fast = vitpose_plus.prepare(model, precision='fp32')
    fast(crops_of(model, 1), torch.tensor([3]))
    own, [folded] = fast.network.backbone.backbone, fast.network.backbone.folded.values()
    for layer, other in zip(folded.layers, own.layers, strict=True):
        assert layer.ffn.fc1 is other.ffn.fc1
        assert layer.ffn.fc2 is not other.ffn.fc2


def test_an_empty_batch_has_empty_heatmaps():
    model = built(TINY)
    fast = vitpose_plus.prepare(model, precision='fp32')
    most = fast(crops_of(model), MIXED).shape[1:]
    found = fast(crops_of(model, 0), MIXED[:0])
    assert found.shape[0] == 0
    assert found.shape[2:] == most[1:]


class DoublingAttention(FullAttention):
    """An attention of somebody else, which needs a float32 tensor of its own."""

    def forward(self, x, hw):
        return super().forward(x * torch.full((1,), 2.0), hw)


def test_an_attention_of_somebody_else_can_compute_in_bf16():
    model = built(PLAIN)
    for layer in model.backbone.layers:
        own = DoublingAttention(layer.norm1.weight.numel(), layer.attention.num_heads, (8, 6))
        own.load_state_dict(layer.attention.state_dict())
        layer.attention = own
    crops = crops_of(model, 2)
    found = vitpose_plus.prepare(model, precision='bf16')(crops)
    assert_same(found, heatmaps(model, crops), roundings=8, precision=torch.bfloat16)
