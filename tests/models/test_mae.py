"""Masked autoencoding: what the encoder sees, what is hidden, and what the loss compares."""

from functools import partial

import pytest
import torch
from mmpose.registry import MODELS
from torch.nn import functional as F

from tests.helpers.comparing import assert_same
from vitpose_plus.checkpoints import check_fit
from vitpose_plus.models.mae import statistics
from vitpose_plus.models.positions import sine_table

ARCH = dict(depth=2, dim=16, num_heads=2)
HW = (64, 48)  # pixels; 4x3 patches
PATCH = dict(kernel_size=16, stride=16, padding=0)
PADDED = dict(PATCH, padding=2)
RELATIVE = dict(type='RelativePosition')
POINTWISE = dict(type='ParallelConvolution', kernel_size=1)


def mae(mask_ratio=0.75, decoder=None, **backbone):
    backbone = dict(dict(type='ViT', arch=ARCH, input_hw=HW, patch=PATCH), **backbone)
    decoder = dict(dict(type='MaskedDecoder', depth=1, dim=8, num_heads=2), **(decoder or {}))
    cfg = dict(type='MaskedAutoencoder', backbone=backbone, decoder=decoder, mask_ratio=mask_ratio)
    return MODELS.build(cfg).eval()


def seen_pixels(model, pictures, kept):
    """(B, 1, height, width): 1 for pixels in a kept patch."""
    num_patches = model.cut(pictures).shape[1]
    seen = torch.zeros(len(pictures), num_patches, 3 * 16 * 16).scatter(
        1, kept[..., None].expand(-1, -1, 3 * 16 * 16), 1.0
    )
    return model.join(seen, pictures.shape[-2:])[:, :1]


@pytest.mark.parametrize('patch', [PATCH, PADDED])
@pytest.mark.parametrize('backbone', [{}, dict(type='ViTAE', convolution=POINTWISE)])
def test_no_pixel_of_a_hidden_patch_is_used(patch, backbone):
    model, pictures = mae(patch=patch, **backbone), torch.randn(2, 3, *HW)
    kept = model.choose(pictures)
    seen = seen_pixels(model, pictures, kept)
    others = torch.where(seen == 1, pictures, torch.randn_like(pictures))
    assert not torch.equal(pictures, others)
    assert torch.equal(model.predict_patches(pictures, kept), model.predict_patches(others, kept))
    pictures.requires_grad_()
    model.predict_patches(pictures, kept).square().sum().backward()
    reached = pictures.grad.abs().sum(1, keepdim=True) > 0
    assert torch.equal(reached, seen == 1)


def test_the_encoder_runs_on_the_kept_patches_alone():
    """With the right positions: if the encoder runs on the whole grid and attention is masked to
    the kept patches, the kept tokens are the same."""
    model, pictures = mae(), torch.randn(2, 3, *HW)
    kept = model.choose(pictures)
    encoded = []
    model.backbone.norm.register_forward_hook(lambda *args: encoded.append(args[2]))
    model.predict_patches(pictures, kept)
    grid = model.backbone.embed(pictures).flatten(1, 2)
    mask = torch.zeros(2, 1, 1, 12, dtype=torch.bool).scatter(3, kept[:, None, None], True)
    for layer in model.backbone.layers:
        layer.attention.attend = partial(layer.attention.attend, mask=mask)
    whole = model.backbone.encode(grid, (4, 3))
    assert encoded[0].shape == (2, 3, 16)
    torch.testing.assert_close(encoded[0], whole.take_along_dim(kept[..., None], dim=1))


@pytest.mark.parametrize(('ratio', 'kept'), [(0.75, 48), (0.5, 96), (0.9, 19), (0.999, 1)])
def test_number_of_kept_patches(ratio, kept):
    model = mae(ratio, input_hw=(256, 192))
    chosen = model.choose(torch.empty(4, 3, 256, 192))
    assert chosen.shape == (4, kept)
    assert all(len(set(row.tolist())) == kept for row in chosen)


def test_every_picture_has_its_own_mask_which_depends_on_the_seed():
    model, pictures = mae(input_hw=(256, 192)), torch.empty(64, 3, 256, 192)
    torch.manual_seed(3)
    chosen = model.choose(pictures)
    torch.manual_seed(3)
    assert torch.equal(chosen, model.choose(pictures))
    assert not torch.equal(chosen, model.choose(pictures))
    assert len({tuple(sorted(row.tolist())) for row in chosen}) == 64
    # All patches are kept about equally often: 16 of 64 times, with a standard deviation of 3.5.
    counts = chosen.flatten().bincount(minlength=192)
    assert counts.min() >= 2
    assert counts.max() <= 32


def test_join_is_the_opposite_of_cut():
    pictures = torch.randn(2, 3, *HW)
    model = mae()
    assert torch.equal(model.join(model.cut(pictures), HW), pictures)
    padded = mae(patch=PADDED)
    joined = padded.join(padded.cut(pictures), HW)
    assert torch.equal(joined[..., :-2, :-2], pictures[..., :-2, :-2])
    assert not joined[..., -2:, :].any()
    assert not joined[..., -2:].any()


def test_a_patch_has_the_pixels_that_the_projection_reads_row_by_row():
    """The product of patches and flattened kernels is the projection, in the grid's order."""
    for patch in (PATCH, PADDED):
        model, pictures = mae(patch=patch), torch.randn(2, 3, *HW)
        projection = model.backbone.patch_embed
        by_hand = F.linear(model.cut(pictures), projection.weight.flatten(1), projection.bias)
        expected = projection(pictures).permute(0, 2, 3, 1)
        assert_same(by_hand.unflatten(1, (4, 3)), expected, roundings=64)  # 768 terms each
    patches = mae().cut(pictures).unflatten(2, (3, 16, 16))
    assert torch.equal(patches[1, 5], pictures[1, :, 16:32, 32:48])  # row 1 of 4, column 2 of 3


def test_targets_have_mean_zero_and_variance_one():
    patches = 40 * torch.randn(2, 12, 768) + 100
    mean, deviation = statistics(patches)
    target = (patches - mean) / deviation
    torch.testing.assert_close(target.mean(-1), torch.zeros(2, 12), rtol=0, atol=1e-5)
    torch.testing.assert_close(target.var(-1), torch.ones(2, 12))
    flat, ones = statistics(torch.ones(1, 1, 768))  # a patch of one colour has variance 0
    assert flat == 1
    assert ones == pytest.approx(1e-3)


def test_the_loss_equals_a_computation_by_hand():
    """A decoder that predicts zeros has the targets' mean square as loss: (P - 1) / P per patch."""
    model, pictures = mae(), torch.randn(2, 3, *HW)
    torch.nn.init.zeros_(model.decoder.predict.weight)
    loss = model(pictures, mode='loss')['loss']
    assert loss.item() == pytest.approx(767 / 768, abs=1e-4)
    # An error in one patch counts only if the patch is hidden, as 9 patches of each picture are.
    torch.manual_seed(1)
    kept = model.choose(pictures)
    patches = model.cut(pictures)
    mean, deviation = statistics(patches)
    target = (patches - mean) / deviation
    for place in range(12):
        predicted = target.clone()
        predicted[0, place] += 3.0
        model.predict_patches = lambda inputs, kept, predicted=predicted: predicted
        torch.manual_seed(1)
        loss = model.loss(pictures)['loss']
        expected = 0.0 if place in kept[0] else 3.0**2 / 18
        assert loss.item() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize('backbone', [{}, dict(type='ViTAE', convolution=POINTWISE)])
def test_every_parameter_gets_a_gradient(backbone):
    model = mae(**backbone).train()
    model.loss(torch.randn(8, 3, *HW))['loss'].backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, name


def test_predictions_contain_the_seen_patches_and_rescaled_hidden_ones():
    model, pictures = mae(), 5 + torch.randn(2, 3, *HW)
    torch.nn.init.zeros_(model.decoder.predict.weight)
    torch.manual_seed(2)
    kept = model.choose(pictures)
    torch.manual_seed(2)
    parts = model(pictures, mode='predict')
    given, masked, predicted = (torch.stack(version) for version in zip(*parts, strict=True))
    seen = seen_pixels(model, pictures, kept)
    assert torch.equal(given, pictures)
    torch.testing.assert_close(masked, pictures * seen)
    mean = statistics(model.cut(pictures))[0].expand(-1, -1, 768)  # a predicted 0 is the mean
    torch.testing.assert_close(predicted, torch.where(seen == 1, pictures, model.join(mean, HW)))


def test_the_weights_load_into_the_backbone_of_a_pose_model():
    """All names must match. Another padding of the patches or another input size is no problem."""
    weights = mae(patch=PATCH).state_dict()
    head = dict(
        type='HeatmapHead',
        in_channels=16,
        out_channels=3,
        deconv_out_channels=(8,),
        deconv_kernel_sizes=(4,),
    )
    for hw in (HW, (128, 96)):
        backbone = dict(type='ViT', arch=ARCH, input_hw=hw)
        pose = MODELS.build(dict(type='TopdownPoseEstimator', backbone=backbone, head=head))
        own = {
            name.removeprefix('backbone.'): value
            for name, value in weights.items()
            if name.startswith('backbone.')
        }
        check_fit(own, pose.backbone)
        pose.backbone.load_state_dict(own)
        assert torch.equal(pose.backbone.layers[1].ffn.fc2.weight, own['layers.1.ffn.fc2.weight'])
    assert {name.split('.')[0] for name in weights} == {'backbone', 'decoder'}


def test_the_decoder_s_positions_differ_by_row_and_column():
    table = sine_table((16, 12), 64)
    assert table.shape == (192, 64)
    assert table.abs().max() <= 1
    grid = table.unflatten(0, (16, 12))
    assert torch.equal(grid[3, :, :32], grid[3, :1, :32].expand(12, -1))
    assert torch.equal(grid[:, 7, 32:], grid[:1, 7, 32:].expand(16, -1))
    apart = torch.cdist(table[None], table[None])[0] + 1e3 * torch.eye(192)
    assert apart.min() > 0.5


def test_hidden_tokens_differ_only_in_their_position():
    """Without layers, a hidden patch is the mask token plus the sines of its position."""
    model = mae()
    x, kept = torch.randn(1, 3, 16), torch.tensor([[7, 2, 11]])
    model.decoder.layers = torch.nn.ModuleList()
    model.decoder.norm = model.decoder.predict = torch.nn.Identity()
    tokens = model.decoder(x, kept, (4, 3)) - sine_table((4, 3), 8)
    torch.testing.assert_close(tokens[0, kept[0]], model.decoder.embed(x)[0])
    for place in set(range(12)) - {7, 2, 11}:
        torch.testing.assert_close(tokens[0, place], model.decoder.mask_token)


def spread(weight):
    """Maximum and standard deviation, divided by the bound of Xavier's uniform distribution."""
    bound = (6 / sum(weight.shape)) ** 0.5
    return weight.abs().max().item() / bound, weight.std().item() / bound


def test_initial_weights_are_as_in_mae():
    """Xavier's uniform distribution has a standard deviation of its bound / sqrt(3)."""
    arch = dict(depth=1, dim=64, num_heads=2)
    model = mae(arch=arch, decoder=dict(dim=48, num_heads=2), num_prefix_tokens=20)
    linear = [m for m in model.modules() if isinstance(m, torch.nn.Linear)]
    assert len(linear) == 4 + 1 + 4 + 1  # encoder, decoder.embed, decoder layers, decoder.predict
    for weight in [m.weight for m in linear] + [model.backbone.patch_embed.weight.flatten(1)]:
        assert spread(weight) == pytest.approx((1, 3**-0.5), rel=0.03)
        assert spread(weight)[0] <= 1
    assert not any(m.bias.any() for m in linear)
    for token in (model.decoder.mask_token, model.backbone.prefix_tokens):
        assert token.std().item() == pytest.approx(0.02, rel=0.3)
    for norm in (m for m in model.modules() if isinstance(m, torch.nn.LayerNorm)):
        assert (norm.weight == 1).all()
        assert not norm.bias.any()


def test_initial_weights_of_a_pose_model_are_as_in_the_authors_code():
    """A truncated normal distribution of 0.02, where MAE has Xavier's."""
    vit = MODELS.build(dict(type='ViT', arch=dict(depth=1, dim=64, num_heads=2), input_hw=HW))
    for module in vit.modules():
        if isinstance(module, torch.nn.Linear):
            assert module.weight.std().item() == pytest.approx(0.02, rel=0.05)


REFUSED = [
    (dict(patch=dict(kernel_size=16, stride=8, padding=4)), r'must not overlap.*\(16, 16\).*\(8'),
    (dict(attention=dict(type='WindowAttention', window_hw=(2, 2))), r'layers\.0\.att.*WindowAtt'),
    (dict(attention=dict(type='FullAttention', rel_pos=RELATIVE)), 'rel_pos.*every patch at its'),
    (dict(type='ViTAE'), r'layers\.0\.convolution\.expand.*1x1 kernels'),
]


@pytest.mark.parametrize(('backbone', 'message'), REFUSED)
def test_backbones_that_need_every_patch_are_refused(backbone, message):
    with pytest.raises(ValueError, match=message):
        mae(**backbone)


@pytest.mark.parametrize('ratio', [0, 1, 1.5])
def test_impossible_ratios_and_widths_are_refused(ratio):
    with pytest.raises(ValueError, match=f'mask_ratio={ratio} must be between 0 and 1'):
        mae(ratio)
    with pytest.raises(ValueError, match='dim=6 must be a multiple of 4'):
        mae(decoder=dict(dim=6))
