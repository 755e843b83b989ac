"""The plain vision transformer: sizes, token grids, positions and frozen parts."""

import pytest
import torch

from tests.helpers.comparing import assert_same
from vitpose_plus.models import ViT, ViTAE
from vitpose_plus.models.archs import ARCHS
from vitpose_plus.models.positions import resize_table

SMALL = dict(depth=2, dim=16, num_heads=2)
EXPERTS = dict(type='PartiallySharedFFN', num_experts=3)

# Millions of parameters of the plain backbones at 256x192, from the authors' depths and widths.
PARAMETERS = {'small': 21.7, 'base': 85.8, 'large': 303.3, 'huge': 630.9}


@pytest.mark.parametrize('arch', PARAMETERS)
def test_parameters_of_the_published_sizes(arch):
    with torch.device('meta'):
        count = sum(p.numel() for p in ViT(arch).parameters())
    depth, dim, _ = ARCHS[arch]
    layer = 12 * dim * dim + 13 * dim  # attention, FFN, two norms, all biases
    assert count == depth * layer + 3 * 16 * 16 * dim + dim + 192 * dim + 2 * dim
    assert count / 1e6 == pytest.approx(PARAMETERS[arch], abs=0.05)


@pytest.mark.parametrize(
    ('input_hw', 'patch', 'grid'),
    [
        ((256, 192), dict(kernel_size=16, stride=16, padding=2), (16, 12)),
        ((384, 288), dict(kernel_size=16, stride=16, padding=2), (24, 18)),
        ((256, 192), dict(kernel_size=16, stride=8, padding=4), (32, 24)),
        ((128, 96), dict(kernel_size=8, stride=8, padding=0), (16, 12)),
    ],
)
def test_grid_follows_the_projection(input_hw, patch, grid):
    vit = ViT(SMALL, input_hw, patch)
    (feature,) = vit(torch.randn(1, 3, *input_hw))
    assert feature.shape == (1, 16, *grid)
    assert vit.pos_embed.shape == (1, *grid, 16)


@pytest.mark.parametrize('ffn', [dict(type='SharedFFN'), EXPERTS])
def test_every_parameter_gets_a_gradient(ffn):
    vit = ViT(SMALL, (64, 48), ffn=ffn)
    (feature,) = vit(torch.randn(3, 3, 64, 48), torch.tensor([0, 1, 2]))
    (feature * torch.randn_like(feature)).sum().backward()
    for name, parameter in vit.named_parameters():
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, name


def test_features_keep_their_position():
    """A change in a corner of the input changes the features of this corner most."""
    vit = ViT(dict(SMALL, depth=1), (64, 48)).eval()
    image = torch.zeros(1, 3, 64, 48)
    corner = image.clone()
    corner[..., :12, -12:] = 1.0  # within the top right patch
    change = (vit(corner)[0] - vit(image)[0]).abs().sum(1)[0]  # (H, W)
    assert change.argmax() == 2  # row 0, the last of 3 columns


def test_drop_path_grows_linearly():
    vit = ViT(dict(SMALL, depth=4), drop_path_rate=0.3)
    rates = [layer.drop_path.drop_prob for layer in vit.layers]
    assert rates == pytest.approx([0.0, 0.1, 0.2, 0.3])


def test_errors():
    with pytest.raises(ValueError, match="arch='gigantic' is not known: use one of tiny, small"):
        ViT('gigantic')
    for wrong in ((250, 192), (256, 200)):
        with pytest.raises(ValueError, match=r'no whole number of patches of \(16, 16\): make'):
            ViT(SMALL, wrong)
        with pytest.raises(ValueError, match=f'{wrong[0]}, {wrong[1]}.*no whole number of patches'):
            ViT(SMALL)(torch.randn(1, 3, *wrong))


@pytest.mark.parametrize('input_hw', [(256, 192), (384, 288), (576, 432), (256, 256), (192, 256)])
def test_positions_are_resized_equally_at_loading_and_at_run_time(input_hw):
    trained = ViT(SMALL, (256, 192)).eval()
    other = ViT(SMALL, input_hw).eval()
    other.load_state_dict(trained.state_dict())
    image = torch.randn(1, 3, *input_hw)
    assert_same(trained(image), other(image))
    if input_hw == (256, 192):
        assert torch.equal(other.pos_embed, trained.pos_embed)


def test_resized_positions_keep_a_linear_function_and_its_axes():
    """Away from the borders, bicubic interpolation keeps a linear function of x and y, with an
    error of at most a twentieth of a patch."""
    y, x = torch.meshgrid(torch.arange(8.0), torch.arange(6.0), indexing='ij')
    table = torch.stack([y, x], dim=-1)[None]
    resized = resize_table(table, (16, 12))
    middle = resized[0, 4:-4, 4:-4]
    y, x = torch.meshgrid(torch.arange(4, 12), torch.arange(4, 8), indexing='ij')
    expected = torch.stack([(y + 0.5) / 2 - 0.5, (x + 0.5) / 2 - 0.5], dim=-1)
    torch.testing.assert_close(middle, expected, rtol=0, atol=0.05)
    assert resize_table(table, (8, 6)) is table


FREEZING = {  # what the authors' switches freeze
    'mhsa': ('attention', 'norm1'),
    'ffn': ('ffn', 'norm2', 'patch_embed', 'pos_embed'),
    'all but the last norm': ('layers', 'patch_embed', 'pos_embed'),
}


@pytest.mark.parametrize('kind', FREEZING)
def test_frozen_parts_get_no_gradient_and_stay_in_evaluation_mode(kind):
    frozen = FREEZING[kind]
    vit = ViT(SMALL, (64, 48), frozen=frozen, drop_path_rate=0.5).train()
    (feature,) = vit(torch.randn(2, 3, 64, 48))
    (feature * torch.randn_like(feature)).sum().backward()
    for name, parameter in vit.named_parameters():
        held = any(part in name.split('.') for part in frozen)
        assert parameter.requires_grad != held, name
        assert (parameter.grad is None) == held, name
    for name, module in vit.named_modules():
        assert module.training != any(part in name.split('.') for part in frozen), name
    assert not vit.eval().norm.training


OWN = ('norm', 'patch_embed', 'pos_embed', 'prefix_tokens')


@pytest.mark.parametrize('part', OWN)
def test_a_name_of_the_backbone_freezes_nothing_inside_the_layers(part):
    """The branches of ViTAE have a norm too; the test adds modules with the other names."""
    vit = ViTAE(SMALL, (64, 48), frozen=(part,), num_prefix_tokens=1)
    for name in OWN:
        vit.layers[0].ffn.add_module(name, torch.nn.Dropout())
    held = {name for name, parameter in vit.named_parameters() if not parameter.requires_grad}
    assert held == {name for name, _ in vit.named_parameters() if name.split('.')[0] == part}
    evaluated = {name for name, module in vit.train().named_modules() if not module.training}
    assert evaluated == {part} & dict(vit.named_children()).keys()


def test_parts_of_layers_and_of_the_backbone_are_frozen_together():
    vit = ViTAE(SMALL, (64, 48), frozen=('norm', '1', 'fc1'))
    held = {name for name, parameter in vit.named_parameters() if not parameter.requires_grad}
    first = {f'layers.0.ffn.fc1.{kind}' for kind in ('weight', 'bias')}
    assert {name for name in held if not name.startswith('layers.1.')} == first | {
        'norm.weight',
        'norm.bias',
    }
    assert held >= {name for name, _ in vit.named_parameters() if name.startswith('layers.1.')}


def test_an_unknown_part_to_freeze_is_refused():
    with pytest.raises(ValueError, match='frozen has mhsa, which is in no name of a parameter'):
        ViT(SMALL, frozen=('attention', 'mhsa'))
