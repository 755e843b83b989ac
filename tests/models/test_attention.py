"""Properties of the kinds of attention: equal results, and which tokens a token sees."""

import pytest
import torch
from mmengine.runner.activation_checkpointing import turn_on_activation_checkpointing
from mmpose.registry import MODELS
from torch import nn
from torch.nn import functional as F

from tests.helpers.comparing import assert_same
from vitpose_plus.models import (
    FullAttention,
    PoolingWindowAttention,
    RelativePosition,
    ShiftedPoolingWindowAttention,
    ShiftedWindowAttention,
    ViT,
    WindowAttention,
)

WINDOWED = [
    WindowAttention,
    ShiftedWindowAttention,
    PoolingWindowAttention,
    ShiftedPoolingWindowAttention,
]
POOLING = [PoolingWindowAttention, ShiftedPoolingWindowAttention]
DIM, HEADS = 16, 2


def build(kind, hw, **others):
    """An attention in double precision, with random parameters instead of zeros."""
    attention = kind(DIM, HEADS, hw, **others).double()
    for parameter in attention.parameters():
        nn.init.normal_(parameter, std=0.5)
    return attention


def tokens(hw, batch=2):
    return torch.randn(batch, hw[0] * hw[1], DIM, dtype=torch.float64)


def equal(a, b):
    torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


def seen_by(attention, hw, token):
    """(H, W): the tokens that ``token``, a (row, column), sees."""
    x = tokens(hw, 1).requires_grad_()
    attention(x, hw).unflatten(1, hw)[0, *token].sum().backward()
    return x.grad.abs().sum(-1).unflatten(1, hw)[0] > 0


def rectangle(hw, rows, columns):
    seen = torch.zeros(hw, dtype=torch.bool)
    seen[slice(*rows), slice(*columns)] = True
    return seen


def test_full_attention_is_softmax_of_scaled_products():
    attention = FullAttention(dim=12, num_heads=3, grid_hw=(7, 1)).double()
    x = torch.randn(2, 7, 12, dtype=torch.float64)
    q, k, v = attention.qkv(x).view(2, 7, 3, 3, 4).unbind(2)
    weights = torch.einsum('bnmd,bkmd->bmnk', q, k).div(4**0.5).softmax(-1)
    by_hand = attention.proj(torch.einsum('bmnk,bkmd->bnmd', weights, v).reshape(2, 7, 12))
    equal(attention(x, (7, 1)), by_hand)


def test_full_attention_does_not_depend_on_the_order():
    attention = build(FullAttention, (2, 3))
    x, order = tokens((2, 3)), torch.randperm(6)
    equal(attention(x, (2, 3))[:, order], attention(x[:, order], (2, 3)))


def test_heads_must_divide_the_width():
    with pytest.raises(ValueError, match='dim=10 must be a multiple of num_heads=3'):
        FullAttention(dim=10, num_heads=3, grid_hw=(4, 3))


@pytest.mark.parametrize('kind', [WindowAttention, ShiftedWindowAttention])
@pytest.mark.parametrize('rel_pos', [None, dict(type='RelativePosition')])
def test_a_window_as_large_as_the_grid_is_full_attention(kind, rel_pos):
    hw = (4, 3)
    full = build(FullAttention, hw, rel_pos=rel_pos)
    window = build(kind, hw, window_hw=hw, rel_pos=rel_pos)
    window.load_state_dict(full.state_dict())
    x = tokens(hw)
    equal(window(x, hw), full(x, hw))


@pytest.mark.parametrize('kind', [WindowAttention, ShiftedWindowAttention])
def test_a_larger_window_is_full_attention_too(kind):
    hw = (4, 3)
    full, window = build(FullAttention, hw), build(kind, hw, window_hw=(8, 5), rel_pos=None)
    window.load_state_dict(full.state_dict())
    x = tokens(hw)
    equal(window(x, hw), full(x, hw))


def test_windows_are_full_attention_on_each_piece():
    hw, window_hw = (7, 5), (4, 3)  # neither side is a multiple
    window = build(WindowAttention, hw, window_hw=window_hw)
    full = build(FullAttention, window_hw, rel_pos=None)
    window.rel_pos = None
    full.load_state_dict(window.state_dict())
    grid = tokens(hw).unflatten(1, hw)
    by_hand = torch.empty_like(grid)
    for rows in (slice(0, 4), slice(4, 7)):
        for columns in (slice(0, 3), slice(3, 5)):
            piece = grid[:, rows, columns]
            piece_hw = piece.shape[1:3]
            by_hand[:, rows, columns] = full(piece.flatten(1, 2), piece_hw).unflatten(1, piece_hw)
    equal(window(grid.flatten(1, 2), hw), by_hand.flatten(1, 2))


@pytest.mark.parametrize('token', [(0, 0), (5, 2), (6, 4)])
def test_a_token_sees_only_its_window(token):
    hw = (7, 5)
    rows = (0, 4) if token[0] < 4 else (4, 7)
    columns = (0, 3) if token[1] < 3 else (3, 5)
    seen = seen_by(build(WindowAttention, hw, window_hw=(4, 3)), hw, token)
    assert torch.equal(seen, rectangle(hw, rows, columns))


@pytest.mark.parametrize('hw', [(8, 12), (7, 11)])
def test_a_token_of_a_shifted_window_does_not_see_the_opposite_edge(hw):
    attention = build(ShiftedWindowAttention, hw, window_hw=(4, 4))
    assert torch.equal(seen_by(attention, hw, (3, 4)), rectangle(hw, (2, 6), (2, 6)))
    assert torch.equal(seen_by(attention, hw, (0, 0)), rectangle(hw, (0, 2), (0, 2)))
    last = (hw[0] - 1, hw[1] - 1)
    assert torch.equal(seen_by(attention, hw, last), rectangle(hw, (6, hw[0]), (10, hw[1])))
    assert torch.equal(seen_by(attention, hw, (0, 5)), rectangle(hw, (0, 2), (2, 6)))


def test_shift_is_half_a_window_on_axes_with_several_windows():
    attention = build(ShiftedWindowAttention, (32, 24), window_hw=(16, 12))
    assert attention.shift_hw((32, 24)) == (8, 6)
    assert attention.shift_hw((32, 12)) == (8, 0)
    assert attention.shift_hw((16, 8)) == (0, 0)


@pytest.mark.parametrize('kind', POOLING)
@pytest.mark.parametrize('hw', [(8, 8), (7, 5)])
def test_with_pooling_a_token_sees_the_whole_grid(kind, hw):
    attention = build(kind, hw, window_hw=(4, 4))
    for token in ((0, 0), (hw[0] - 1, hw[1] - 1)):
        assert seen_by(attention, hw, token).all()


@pytest.mark.parametrize('hw', [(8, 6), (7, 5)])
def test_pooling_appends_the_mean_of_each_windows_tokens(hw):
    """Computed by hand: a token attends to its window and to the projected means of all windows."""
    window_hw = (4, 3)
    attention = build(PoolingWindowAttention, hw, window_hw=window_hw, rel_pos=None)
    grid = tokens(hw, 1).unflatten(1, hw)
    pieces = [grid[:, r : r + 4, c : c + 3] for r in range(0, hw[0], 4) for c in range(0, hw[1], 3)]
    means = torch.stack([piece.flatten(1, 2).mean(1) for piece in pieces], dim=1)
    by_hand = []
    for piece in pieces:
        seen = torch.cat([piece.flatten(1, 2), means], dim=1)
        q, k, v = attention.heads(attention.qkv(seen))
        x = F.scaled_dot_product_attention(q, k, v)[:, :, : -len(pieces)]
        by_hand.append(attention.proj(x.transpose(1, 2).flatten(2)))
    result = attention(grid.flatten(1, 2), hw).unflatten(1, hw)
    starts = [(r, c) for r in range(0, hw[0], 4) for c in range(0, hw[1], 3)]
    for (r, c), x in zip(starts, by_hand, strict=True):
        equal(result[:, r : r + 4, c : c + 3].flatten(1, 2), x)


@pytest.mark.parametrize('kind', POOLING)
def test_pooling_adds_no_parameters(kind):
    def names(each):
        return {name: p.shape for name, p in each(DIM, HEADS, (8, 8)).named_parameters()}

    assert names(kind) == names(WindowAttention)


@pytest.mark.parametrize('kind', WINDOWED)
@pytest.mark.parametrize('hw', [(8, 8), (7, 5), (2, 9), (1, 1)])
def test_any_grid_gives_finite_outputs_and_gradients(kind, hw):
    attention = build(kind, (8, 8), window_hw=(4, 4))
    x = tokens(hw).requires_grad_()
    attention(x, hw).square().sum().backward()
    assert x.grad.isfinite().all()
    for name, parameter in attention.named_parameters():
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0 or hw == (1, 1), name


@pytest.mark.parametrize('kind', WINDOWED)
def test_images_of_a_batch_do_not_see_each_other(kind):
    hw = (7, 5)
    attention = build(kind, hw, window_hw=(4, 4))
    x = tokens(hw, 3)
    equal(attention(x, hw)[1:2], attention(x[1:2], hw))


@pytest.mark.parametrize('kind', WINDOWED)
def test_windows_refuse_prefix_tokens(kind):
    with pytest.raises(ValueError, match=f'^{kind.__name__} got 13 tokens for a grid of 4x3'):
        kind(DIM, HEADS, (4, 3))(torch.randn(1, 13, DIM), (4, 3))


def test_relative_position_adds_a_product_of_query_and_distance():
    hw, p = (3, 4), 2  # and two prefix tokens, which have no position
    attention = build(FullAttention, hw, rel_pos=dict(type='RelativePosition'))
    x = torch.randn(2, p + 12, DIM, dtype=torch.float64)
    q, k, v = attention.heads(attention.qkv(x))
    table_h, table_w = attention.rel_pos.pos_embed_h, attention.rel_pos.pos_embed_w
    products = q @ k.transpose(2, 3)
    for i in range(12):
        for j in range(12):
            (y, x_), (b, a) = divmod(i, 4), divmod(j, 4)
            distance = table_h[y - b + 2] + table_w[x_ - a + 3]
            products[:, :, p + i, p + j] += q[:, :, p + i] @ distance
    weights = (products / (DIM // HEADS) ** 0.5).softmax(-1)
    by_hand = attention.proj((weights @ v).transpose(1, 2).flatten(2))
    equal(attention(x, hw), by_hand)


@pytest.mark.parametrize('kind', [FullAttention, *WINDOWED])
def test_initial_relative_positions_have_no_effect(kind):
    hw = (8, 6)
    own = kind(DIM, HEADS, hw, rel_pos=dict(type='RelativePosition')).double()
    none = kind(DIM, HEADS, hw, rel_pos=None).double()
    none.load_state_dict({k: v for k, v in own.state_dict().items() if 'rel_pos' not in k})
    x = tokens(hw)
    equal(own(x, hw), none(x, hw))


def test_relative_positions_are_resized_equally_at_loading_and_at_run_time():
    small, large = RelativePosition((4, 3), 8), RelativePosition((8, 6), 8)
    for parameter in small.parameters():
        nn.init.normal_(parameter)
    large.load_state_dict(small.state_dict())
    assert large.pos_embed_h.shape == (15, 8)
    assert large.pos_embed_w.shape == (11, 8)
    torch.testing.assert_close(large.pos_embed_h[7], small.pos_embed_h[3])  # distance zero
    q, k = torch.randn(2, 1, 2, 48, 8).unbind()
    for of_small, of_large in zip(small(q, k, (8, 6)), large(q, k, (8, 6)), strict=True):
        assert_same(of_small, of_large)


def test_a_list_of_attentions_is_repeated_over_the_layers():
    vit = ViT(
        arch=dict(depth=12, dim=DIM, num_heads=HEADS),
        attention=[
            dict(type='WindowAttention'),
            dict(type='WindowAttention'),
            dict(type='FullAttention'),
        ],
    )
    full = [i for i, layer in enumerate(vit.layers) if type(layer.attention) is FullAttention]
    assert full == [2, 5, 8, 11]


@pytest.mark.parametrize('kind', [kind.__name__ for kind in WINDOWED])
def test_checkpointing_changes_no_gradient(kind):
    torch.manual_seed(0)
    vit = ViT(
        arch=dict(depth=2, dim=DIM, num_heads=HEADS),
        input_hw=(112, 80),
        attention=dict(type=kind, window_hw=(4, 4)),
    ).double()
    x = torch.randn(2, 3, 112, 80, dtype=torch.float64)

    def gradients():
        vit.zero_grad()
        vit(x)[0].square().sum().backward()
        return [p.grad.clone() for p in vit.parameters()]

    plain = gradients()
    turn_on_activation_checkpointing(vit, ['layers.0', 'layers.1'])
    for a, b in zip(plain, gradients(), strict=True):
        equal(a, b)


@pytest.mark.parametrize(
    ('stride', 'padding', 'grid_hw'), [(16, 2, (16, 12)), (8, 4, (32, 24)), (4, 6, (64, 48))]
)
def test_overlapping_patches_give_finer_features(stride, padding, grid_hw):
    """With the authors' padding: a token sees 16x16 pixels, the next token ``stride`` further."""
    arch = dict(depth=1, dim=DIM, num_heads=HEADS)
    patch = dict(kernel_size=16, stride=stride, padding=padding)
    attention = dict(type='WindowAttention')
    vit = MODELS.build(dict(type='ViT', arch=arch, patch=patch, attention=attention))
    image = torch.randn(1, 3, 256, 192, requires_grad=True)
    vit.embed(image)[0, 5, 7].sum().backward()
    top, left = 5 * stride - padding, 7 * stride - padding
    seen = rectangle((256, 192), (top, top + 16), (left, left + 16))
    assert torch.equal(image.grad[0].abs().sum(0) > 0, seen)
    assert vit(image)[0].shape == (1, DIM, *grid_hw)
    coarse = ViT(arch=arch, attention=attention)
    vit.load_state_dict(coarse.state_dict())  # only the positions are resized
