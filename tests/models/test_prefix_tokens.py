"""Prefix tokens: every layer uses them, and the feature map does not contain them."""

import pytest
import torch

from vitpose_plus.checkpoints.layouts import LAYOUTS, Facts
from vitpose_plus.models import ViT, ViTAE
from vitpose_plus.models.positions import RelativePosition

SMALL = dict(arch=dict(depth=2, dim=16, num_heads=2), input_hw=(64, 48))
RELATIVE = dict(type='FullAttention', rel_pos=dict(type='RelativePosition'))
KINDS = {
    'ViT': (ViT, {}),
    'relative positions': (ViT, dict(attention=RELATIVE)),
    'ViTAE': (ViTAE, {}),
}


def with_random_tables(backbone):
    """Gives relative positions, which start at zero, random values."""
    for module in backbone.modules():
        if isinstance(module, RelativePosition):
            for table in module.parameters():
                torch.nn.init.normal_(table)
    return backbone


@pytest.mark.parametrize('kind', KINDS)
def test_prefix_tokens_change_the_features_but_not_their_shape(kind):
    cls, options = KINDS[kind]
    image = torch.randn(2, 3, 64, 48)
    torch.manual_seed(1)
    plain = with_random_tables(cls(**SMALL, **options).eval())
    torch.manual_seed(1)
    prefixed = with_random_tables(cls(**SMALL, **options, num_prefix_tokens=3).eval())
    assert prefixed.prefix_tokens.shape == (1, 3, 16)
    state = prefixed.state_dict()
    assert torch.equal(state.pop('prefix_tokens'), prefixed.prefix_tokens)
    plain.load_state_dict(state)  # strict: there is no other new key
    (without,), (with_them,) = plain(image), prefixed(image)
    assert with_them.shape == without.shape == (2, 16, 4, 3)
    assert not torch.allclose(without, with_them, atol=1e-4)


@pytest.mark.parametrize('kind', KINDS)
def test_every_patch_sees_every_prefix_token(kind):
    cls, options = KINDS[kind]
    vit = with_random_tables(cls(**SMALL, **options, num_prefix_tokens=2).eval())
    image = torch.randn(1, 3, 64, 48)
    for place in range(12):
        vit.zero_grad()
        (feature,) = vit(image)
        feature = feature.flatten(2)[..., place]
        (feature * torch.randn_like(feature)).sum().backward()
        assert (vit.prefix_tokens.grad.abs().sum(-1) > 0).all(), place


def test_every_parameter_gets_a_gradient():
    vit = ViT(**SMALL, num_prefix_tokens=1)
    (feature,) = vit(torch.randn(2, 3, 64, 48))
    (feature * torch.randn_like(feature)).sum().backward()
    for name, parameter in vit.named_parameters():
        assert parameter.grad.abs().sum() > 0, name


def test_without_prefix_tokens_the_backbone_is_the_plain_vit():
    torch.manual_seed(2)
    vit = ViT(**SMALL).eval()
    assert 'prefix_tokens' not in vit.state_dict()
    image = torch.randn(2, 3, 64, 48)
    x = vit.embed(image).flatten(1, 2)
    for layer in vit.layers:
        x = layer(x, (4, 3), None)
    expected = vit.norm(x).transpose(1, 2).unflatten(2, (4, 3))
    assert torch.equal(vit(image)[0], expected)


def test_windows_refuse_prefix_tokens():
    vit = ViT(**SMALL, attention=dict(type='WindowAttention'), num_prefix_tokens=1)
    with pytest.raises(ValueError, match='got 13 tokens for a grid of 4x3: prefix tokens'):
        vit(torch.randn(1, 3, 64, 48))


@pytest.mark.parametrize('target', ['official', 'mmpose', 'hf'])
def test_only_our_own_layout_can_store_prefix_tokens(target):
    state = {f'backbone.{k}': v for k, v in ViT(**SMALL, num_prefix_tokens=1).state_dict().items()}
    own = LAYOUTS['vitpose_plus']
    reading = own.read(state, Facts())
    assert reading.state.keys() == state.keys()
    assert not reading.dropped
    assert own.write(reading.state).keys() == state.keys()
    state.pop('backbone.prefix_tokens')
    assert own.read(state, Facts()).state.keys() == state.keys()  # most models have none
    state['backbone.prefix_tokens'] = torch.zeros(1, 1, 16)
    message = r"'backbone\.prefix_tokens' cannot be stored in .* positions or prefix tokens"
    with pytest.raises(ValueError, match=message):
        LAYOUTS[target].write(state)
    tokens = state.pop('backbone.prefix_tokens')
    foreign = {**LAYOUTS[target].write(state), 'backbone.prefix_tokens': tokens}
    with pytest.raises(ValueError, match=r"keys are not in .* layout: 'backbone\.prefix_tokens'"):
        LAYOUTS[target].read(foreign, Facts())
