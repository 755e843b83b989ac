"""ViTAE: the formula and size of its branch, and training with it."""

from functools import partial

import pytest
import torch
from mmengine.runner.activation_checkpointing import turn_on_activation_checkpointing
from mmpose.registry import MODELS
from torch import nn
from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import (
    apply_activation_checkpointing,
)
from torch.nn import functional as F

from tests.helpers.comparing import assert_same
from vitpose_plus.engine.sharding import is_transformer_layer
from vitpose_plus.models import ParallelConvolution, ViTAE

SMALL = dict(depth=2, dim=16, num_heads=2)
INPUT, GRID = (64, 48), (4, 3)
EXPERTS = dict(type='PartiallySharedFFN', num_experts=3)
POINTWISE = dict(type='ParallelConvolution', kernel_size=1)

# Millions of parameters: published for the backbones without a classifier; giant is our reading.
PARAMETERS = {'base': 88.6, 'large': 310.7, 'huge': 643.2}
GIANT_FFN = dict(type='SharedFFN', hidden_dim=6144)


def randomised(model, spread=0.5):
    """Gives statistics, biases and scales random values instead of the initial ones."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(std=spread)
            module.running_var.uniform_(0.5, 2)
            nn.init.normal_(module.weight, 1, spread)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=spread) if parameter.ndim == 1 else None
    return model


def count(vit):
    return sum(parameter.numel() for parameter in vit.parameters())


@pytest.mark.parametrize('arch', PARAMETERS)
def test_parameters_of_the_published_sizes(arch):
    with torch.device('meta'):
        assert count(ViTAE(arch)) / 1e6 == pytest.approx(PARAMETERS[arch], abs=0.05)


def test_giant_has_the_billion_parameters_of_vitpose_g():
    """A layer: attention, FFN, two norms and the branch (groups of 4 -> 16 -> 4 channels)."""
    with torch.device('meta'):
        vit = ViTAE('giant', (576, 432), ffn=GIANT_FFN)
    d, f = 1408, 6144
    attention, ffn, norms = 4 * d * d + 4 * d, 2 * d * f + f + d, 4 * d
    branch = 2 * (4 * d * 4 * 9) + 4 * d + d + 2 * 4 * d
    layers = 40 * (attention + ffn + norms + branch)
    assert count(vit) == layers + 3 * 16 * 16 * d + d + 36 * 27 * d + 2 * d
    assert layers / 1e6 == pytest.approx(1027, abs=0.5)
    assert count(vit) / 1e6 == pytest.approx(1029.4, abs=0.05)


def branch_by_hand(x, hw, state, k):
    """What the branch adds to tokens (B, N, C), computed without a convolution."""
    h, w = hw
    grid = F.pad(x.unflatten(1, hw), (0, 0, k // 2, k // 2, k // 2, k // 2))
    for name in ('expand', 'reduce'):
        weight, bias = state[f'{name}.weight'], state[f'{name}.bias']
        groups = x.shape[-1] // 4
        total = bias
        for dy in range(k):
            for dx in range(k):
                part = grid[:, dy : dy + h, dx : dx + w].unflatten(-1, (groups, -1))
                kernel = weight[:, :, dy, dx].unflatten(0, (groups, -1))
                total = total + torch.einsum('bhwgi,goi->bhwgo', part, kernel).flatten(-2)
        if name == 'expand':
            mean, var = state['norm.running_mean'], state['norm.running_var']
            total = (total - mean) / (var + 1e-5).sqrt() * state['norm.weight']
            total = F.silu(total + state['norm.bias'])
            total = F.pad(total, (0, 0, k // 2, k // 2, k // 2, k // 2))
        grid = total
    return total.flatten(1, 2)


@pytest.mark.parametrize('k', [1, 3, 5])
def test_the_branch_equals_its_formula(k):
    branch = randomised(ParallelConvolution(16, k)).double().eval()
    x = torch.randn(2, 12, 16).double()
    by_hand = branch_by_hand(x, GRID, branch.state_dict(), k)
    torch.testing.assert_close(branch(x, GRID), by_hand, rtol=1e-12, atol=1e-12)


def test_a_layer_adds_attention_and_the_branch_of_its_input():
    layer = randomised(ViTAE(SMALL, INPUT)).double().eval().layers[0]
    x = torch.randn(2, 12, 16).double()
    attended = layer.attention(layer.norm1(x), GRID)
    mixed = x + attended + branch_by_hand(x, GRID, layer.convolution.state_dict(), 3)
    expected = mixed + layer.ffn(layer.norm2(mixed), None)
    torch.testing.assert_close(layer(x, GRID, None), expected, rtol=1e-12, atol=1e-12)


def test_drop_path_drops_attention_and_branch_independently():
    """With a rate of 0.5, some images keep both, some keep one, and some keep none."""
    layer = ViTAE(dict(SMALL, depth=2), INPUT, drop_path_rate=0.5).train().layers[1]
    attention, convolution = torch.randn(2, 1, 12, 16)
    layer.attention.forward = lambda x, hw: attention.expand_as(x)
    layer.convolution.forward = lambda x, hw: convolution.expand_as(x)
    layer.ffn.forward = lambda x, index: torch.zeros_like(x)
    added = layer(torch.zeros(64, 12, 16), GRID, None)
    kinds = [a * attention + c * convolution for a in (0, 2) for c in (0, 2)]
    seen = [min(range(4), key=lambda i: (image - kinds[i]).abs().max()) for image in added]
    assert set(seen) == {0, 1, 2, 3}
    for image, kind in zip(added, seen, strict=True):
        torch.testing.assert_close(image[None], kinds[kind])


@pytest.mark.parametrize('k', [1, 3])
def test_a_token_changes_only_its_neighbours(k):
    """Two convolutions of kernel size k reach k - 1 tokens far."""
    branch = randomised(ParallelConvolution(16, k)).eval()
    x = torch.randn(1, 7 * 6, 16)
    other = x.clone()
    other[:, 2 * 6 + 3] += 1  # row 2, column 3
    changed = ((branch(x, (7, 6)) - branch(other, (7, 6))).abs().amax(-1) > 1e-6).reshape(7, 6)
    expected = torch.zeros(7, 6, dtype=torch.bool)
    expected[2 - (k - 1) : 2 + k, 3 - (k - 1) : 3 + k] = True
    assert torch.equal(changed, expected)


def test_the_branch_ignores_prefix_tokens():
    branch = randomised(ParallelConvolution(16)).eval()
    tokens, prefix = torch.randn(2, 12, 16), torch.randn(2, 2, 16)
    out = branch(torch.cat([prefix, tokens], dim=1), GRID)
    assert not out[:, :2].any()
    torch.testing.assert_close(out[:, 2:], branch(tokens, GRID))


def test_1x1_kernels_loaded_as_3x3_compute_the_same():
    small = randomised(ViTAE(SMALL, INPUT, convolution=POINTWISE)).eval()
    state = small.state_dict()
    large = ViTAE(SMALL, INPUT).eval()
    large.load_state_dict(state)
    image = torch.randn(2, 3, *INPUT)
    assert_same(large(image), small(image))
    assert state['layers.0.convolution.expand.weight'].shape == (64, 4, 1, 1)
    weight = large.layers[0].convolution.expand.weight
    assert torch.equal(weight[..., 1, 1], state['layers.0.convolution.expand.weight'][..., 0, 0])
    assert weight.count_nonzero() == 64 * 4
    with pytest.raises(RuntimeError, match=r'copying a param with shape .*3, 3'):
        small.load_state_dict(large.state_dict())


def test_with_1x1_kernels_the_branch_runs_on_any_choice_of_tokens():
    """As in MAE: only some tokens of a grid, in any order, passed as one column."""
    vit = randomised(ViTAE(SMALL, INPUT, convolution=POINTWISE)).eval()
    x, kept = torch.randn(2, 12, 16), torch.tensor([7, 0, 11])
    some = vit.layers[0].convolution(x[:, kept], (3, 1))
    torch.testing.assert_close(some, vit.layers[0].convolution(x, GRID)[:, kept])
    assert vit.encode(x[:, kept], (3, 1)).shape == (2, 3, 16)


@pytest.mark.parametrize('ffn', [dict(type='SharedFFN', hidden_dim=24), EXPERTS])
def test_every_parameter_gets_a_gradient(ffn):
    """Statistics are fixed: in training, the gradient of a bias before a batch norm is zero."""
    vit = ViTAE(SMALL, INPUT, ffn=ffn).eval()
    (feature,) = vit(torch.randn(3, 3, *INPUT), torch.tensor([0, 1, 2]))
    assert feature.shape == (3, 16, *GRID)
    (feature * torch.randn_like(feature)).sum().backward()
    for name, parameter in vit.named_parameters():
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, name


def test_a_training_step_lowers_the_loss():
    vit = ViTAE(SMALL, INPUT, ffn=EXPERTS, drop_path_rate=0.1).train()
    image, target = torch.randn(6, 3, *INPUT), torch.randn(6, 16, *GRID)
    index = torch.tensor([0, 0, 1, 1, 2, 2])
    optimizer = torch.optim.AdamW(vit.parameters(), lr=1e-3)
    losses = []
    for _ in range(20):
        loss = F.mse_loss(vit(image, index)[0], target)
        optimizer.zero_grad()
        loss.backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in vit.parameters())
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]


def test_a_mixed_batch_equals_each_dataset_alone():
    vit = randomised(ViTAE(SMALL, INPUT, ffn=EXPERTS)).eval()
    image, index = torch.randn(6, 3, *INPUT), torch.tensor([0, 0, 1, 1, 2, 2])
    (mixed,) = vit(image, index)
    for i in range(3):
        (alone,) = vit(image[index == i], index[index == i])
        torch.testing.assert_close(mixed[index == i], alone, rtol=1e-5, atol=1e-5)


def test_a_frozen_branch_keeps_its_statistics():
    vit = ViTAE(SMALL, INPUT, frozen=('convolution',)).train()
    before = {k: v.clone() for k, v in vit.state_dict().items() if 'convolution' in k}
    (feature,) = vit(torch.randn(2, 3, *INPUT))
    feature.sum().backward()
    for name, parameter in vit.named_parameters():
        assert (parameter.grad is None) == ('convolution' in name), name
    for name, value in before.items():
        assert torch.equal(vit.state_dict()[name], value), name


def checkpoint_as_the_runner(vit):
    turn_on_activation_checkpointing(vit, [f'layers.{i}' for i in range(len(vit.layers))])


checkpoint_as_the_strategy = partial(apply_activation_checkpointing, check_fn=is_transformer_layer)


@pytest.mark.parametrize('switch_on', [checkpoint_as_the_runner, checkpoint_as_the_strategy])
def test_activation_checkpointing_changes_only_the_statistics(switch_on):
    """They are updated twice, as by one update with a momentum of 0.19 instead of 0.1."""
    image = torch.randn(4, 3, *INPUT)
    once = ViTAE(SMALL, INPUT, drop_path_rate=0.5).train()
    twice = ViTAE(SMALL, INPUT, drop_path_rate=0.5).train()
    twice.load_state_dict(once.state_dict())
    for layer in once.layers:
        layer.convolution.norm.momentum = 1 - (1 - 0.1) ** 2
    switch_on(twice)
    assert len(once.layers) == sum(map(is_transformer_layer, twice.modules()))
    outputs = []
    for vit in (once, twice):
        torch.manual_seed(1)  # drop path
        (feature,) = vit(image)
        feature.square().sum().backward()
        outputs.append(feature)
    assert torch.equal(*outputs)
    for one, two in zip(once.parameters(), twice.parameters(), strict=True):
        assert torch.equal(one.grad, two.grad)
    buffers = zip(once.named_buffers(), twice.buffers(), strict=True)
    for (name, one), two in buffers:
        if 'num_batches' not in name:
            torch.testing.assert_close(one, two, msg=name)


def test_a_pose_model_loads_a_masked_autoencoder_with_1x1_kernels():
    patch = dict(kernel_size=16, stride=16)
    encoder = dict(type='ViTAE', arch=SMALL, input_hw=INPUT, patch=patch, convolution=POINTWISE)
    decoder = dict(type='MaskedDecoder', depth=1, dim=16, num_heads=2)
    mae = MODELS.build(dict(type='MaskedAutoencoder', backbone=encoder, decoder=decoder))
    mae.train().loss(torch.randn(4, 3, *INPUT))['loss'].backward()
    assert all(parameter.grad is not None for parameter in mae.parameters())
    ViTAE(SMALL, (128, 96)).load_state_dict(mae.backbone.state_dict())
    with pytest.raises(ValueError, match=r'convolution\.expand .* pre-train .* with 1x1 kernels'):
        MODELS.build(
            dict(
                type='MaskedAutoencoder', backbone=dict(encoder, convolution=None), decoder=decoder
            )
        )


def test_errors():
    with pytest.raises(ValueError, match='dim=18 must be a multiple of 4'):
        ParallelConvolution(18)
    with pytest.raises(ValueError, match='kernel_size=2 odd'):
        ParallelConvolution(16, 2)
    with pytest.raises(ValueError, match='frozen has pcm, which is in no name of a parameter'):
        ViTAE(SMALL, frozen=('pcm',))
