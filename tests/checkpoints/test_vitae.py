"""Encoders in the layout of ViTAE's MAE, and our own files of ViTAEs."""

import pytest
import torch
from mmengine.config import Config
from mmpose.registry import MODELS
from torch.nn import functional as F

from tests.helpers.comparing import assert_same
from tests.helpers.models import KEYPOINTS, SIX, plus, same
from vitpose_plus.checkpoints.converting import convert, keep_dataset
from vitpose_plus.checkpoints.guard import check_fit, differences
from vitpose_plus.checkpoints.layouts import recognised
from vitpose_plus.checkpoints.splitting import expand, split
from vitpose_plus.models import ViTAE

DEPTH, DIM, HEADS, HIDDEN, SIDE = 2, 16, 2, 24, 4  # a grid of 4x4, as square as MAE's
BACKBONE = dict(
    type='ViTAE',
    arch=dict(depth=DEPTH, dim=DIM, num_heads=HEADS),
    input_hw=(16 * SIDE, 16 * SIDE),
    ffn=dict(type='SharedFFN', hidden_dim=HIDDEN),
)


def mae_of_vitae(patch=16, kernel=1, prefix=''):
    """Random weights with the names of ViTAE's MAE."""
    shapes = {
        'cls_token': (1, 1, DIM),
        'pos_embed': (1, 1 + SIDE * SIDE, DIM),
        'patch_embed.proj.weight': (DIM, 3, patch, patch),
        'patch_embed.proj.bias': (DIM,),
        'norm.weight': (DIM,),
        'norm.bias': (DIM,),
    }
    for i in range(DEPTH):
        layer = {
            'attn.q_bias': (DIM,),
            'attn.v_bias': (DIM,),
            'attn.qkv.weight': (3 * DIM, DIM),
            'attn.proj.weight': (DIM, DIM),
            'mlp.fc1.weight': (HIDDEN, DIM),
            'mlp.fc1.bias': (HIDDEN,),
            'mlp.fc2.weight': (DIM, HIDDEN),
            'PCM.0.weight': (4 * DIM, 4, kernel, kernel),
            'PCM.0.bias': (4 * DIM,),
            'PCM.3.weight': (DIM, 16, kernel, kernel),
        }
        layer |= {f'PCM.1.{part}': (4 * DIM,) for part in ('weight', 'bias', 'running_mean')}
        layer |= {f'norm{n}.{part}': (DIM,) for n in (1, 2) for part in ('weight', 'bias')}
        layer |= {f'{part}.bias': (DIM,) for part in ('attn.proj', 'mlp.fc2', 'PCM.3')}
        shapes |= {f'blocks.{i}.{name}': shape for name, shape in layer.items()}
    state = {name: 0.3 * torch.randn(shape) for name, shape in shapes.items()}
    for i in range(DEPTH):
        state[f'blocks.{i}.PCM.1.running_var'] = 0.5 + torch.rand(4 * DIM)
        state[f'blocks.{i}.PCM.1.num_batches_tracked'] = torch.tensor(7)
    return {prefix + name: value for name, value in state.items()}


def by_hand(state, image):
    """Features (B, C, H, W) of these weights in ViTPose. The class token's position is added to all
    patches; smaller patches are padded with zeros; the last norm has no scale."""
    ring = [(16 - state['patch_embed.proj.weight'].shape[-1]) // 2] * 4
    kernel = F.pad(state['patch_embed.proj.weight'], ring)
    x = F.conv2d(image, kernel, state['patch_embed.proj.bias'], stride=16, padding=2)
    x = x.flatten(2).mT + state['pos_embed'][:, 1:] + state['pos_embed'][:, :1]
    for i in range(DEPTH):
        p = {k[9:]: v for k, v in state.items() if k.startswith(f'blocks.{i}.')}
        y = F.layer_norm(x, (DIM,), p['norm1.weight'], p['norm1.bias'], 1e-6)
        q, k, v = (y @ part.T for part in p['attn.qkv.weight'].chunk(3))
        q, v = q + p['attn.q_bias'], v + p['attn.v_bias']
        q, k, v = (part.unflatten(-1, (HEADS, -1)).transpose(1, 2) for part in (q, k, v))
        y = ((q @ k.mT) / (DIM / HEADS) ** 0.5).softmax(-1) @ v
        y = F.linear(y.transpose(1, 2).flatten(2), p['attn.proj.weight'], p['attn.proj.bias'])
        margin = p['PCM.0.weight'].shape[-1] // 2
        z = x.mT.unflatten(2, (SIDE, SIDE))
        z = F.conv2d(z, p['PCM.0.weight'], p['PCM.0.bias'], padding=margin, groups=DIM // 4)
        statistics = [p[f'PCM.1.{n}'] for n in ('running_mean', 'running_var', 'weight', 'bias')]
        z = F.silu(F.batch_norm(z, *statistics))
        z = F.conv2d(z, p['PCM.3.weight'], p['PCM.3.bias'], padding=margin, groups=DIM // 4)
        x = x + y + z.flatten(2).mT
        y = F.layer_norm(x, (DIM,), p['norm2.weight'], p['norm2.bias'], 1e-6)
        y = F.gelu(F.linear(y, p['mlp.fc1.weight'], p['mlp.fc1.bias']))
        x = x + F.linear(y, p['mlp.fc2.weight'], p['mlp.fc2.bias'])
    return F.layer_norm(x, (DIM,), eps=1e-6).mT.unflatten(2, (SIDE, SIDE))


def unprefixed(state):
    return {key.removeprefix('backbone.'): value for key, value in state.items()}


@pytest.mark.parametrize('kernel', [1, 3])
@pytest.mark.parametrize('patch', [14, 16])
def test_an_encoder_is_the_same_function_here(patch, kernel):
    state = mae_of_vitae(patch, kernel)
    converted = convert(state)
    assert converted.source == 'mae_vitae'
    dropped = [key for keys in converted.dropped.values() for key in keys]
    assert dropped == ['cls_token', 'norm.weight', 'norm.bias']
    vitae = MODELS.build(BACKBONE).eval()
    check_fit(converted.state_dict, torch.nn.ModuleDict(dict(backbone=vitae)))
    vitae.load_state_dict(unprefixed(converted.state_dict))
    image = torch.randn(2, 3, 16 * SIDE, 16 * SIDE)
    torch.testing.assert_close(vitae(image)[0], by_hand(state, image), rtol=1e-5, atol=1e-5)


def test_the_prefix_encoder_and_a_decoder():
    plain = mae_of_vitae()
    given = {f'encoder.{key}': value for key, value in plain.items()}
    given |= {'mask_token': torch.ones(1), 'decoder_pred.bias': torch.ones(1)}
    same(convert(given).state_dict, convert(plain).state_dict)


def test_it_is_recognised_among_mae_s_encoders():
    vitae = mae_of_vitae()
    vit = {k: v for k, v in vitae.items() if '.PCM.' not in k and '_bias' not in k}
    vit |= {f'blocks.{i}.attn.qkv.bias': torch.zeros(3 * DIM) for i in range(DEPTH)}
    assert recognised(vitae) == ['mae_vitae']
    assert recognised(vit) == ['mae']
    with pytest.raises(ValueError, match=r"looks like MAE's layout of ViTAE: .* use mae_vitae"):
        convert(vitae, source='mae')


@pytest.mark.parametrize(
    'part',
    ['attn.q_bias', 'attn.v_bias', 'PCM.0.bias', 'PCM.1.running_var', 'PCM.3.weight'],
)
def test_a_missing_part_is_refused(part):
    state = mae_of_vitae()
    del state[f'blocks.1.{part}']
    with pytest.raises(ValueError, match=r'is not complete as .*: it has nothing for'):
        convert(state, source='mae_vitae')


def test_unknown_keys_are_named():
    state = mae_of_vitae() | {'blocks.0.PCM.6.weight': torch.ones(1)}  # a deeper branch
    with pytest.raises(ValueError, match=r'keys are not in .*: .*PCM\.6\.weight'):
        convert(state)


def several(ffn):
    """A ViTAE for six datasets, with random statistics of its batch norms."""
    model = plus(ffn=ffn)
    backbone = dict(type='ViTAE', arch=dict(depth=2, dim=16, num_heads=2), input_hw=(64, 48))
    experts = {} if ffn == 'SharedFFN' else dict(num_experts=6)
    model.backbone = MODELS.build(dict(backbone, ffn=dict(type=ffn, **experts)))
    for layer in model.backbone.layers:
        layer.convolution.norm.running_mean.normal_()
        layer.convolution.norm.running_var.uniform_(0.5, 2)
    return model


@pytest.mark.parametrize('ffn', ['SharedFFN', 'PartiallySharedFFN'])
def test_our_own_files_are_read_and_one_dataset_is_kept(ffn):
    model = several(ffn).eval()
    state = model.state_dict()
    converted = convert(state)
    assert converted.source == 'vitpose_plus'
    same(converted.state_dict, state)
    kept = keep_dataset(state, 'mpii')
    plain = ViTAE(dict(depth=2, dim=16, num_heads=2), (64, 48)).eval()
    plain.load_state_dict(unprefixed({k: v for k, v in kept.items() if not k.startswith('head.')}))
    image, index = torch.randn(2, 3, 64, 48), torch.tensor([2, 2])
    assert_same(plain(image), model.backbone(image, index))
    for layout in ('official', 'mmpose', 'hf'):
        with pytest.raises(ValueError, match=r'convolution.* cannot be stored in'):
            convert(kept, target=layout)


def test_our_own_file_with_a_missing_part_of_a_branch_is_refused():
    state = several('SharedFFN').state_dict()
    del state['backbone.layers.1.convolution.norm.running_var']
    with pytest.raises(
        ValueError, match=r'nothing for .*layers\.1\.convolution\.norm\.running_var'
    ):
        convert(state)


def config_of(model_cfg):
    loader = dict(dataset=dict(type='MultiDataset', datasets=[]))
    evaluator = dict(type='DatasetwiseEvaluator', metrics=[])
    parts = {f'{s}_dataloader': loader for s in ('train', 'val', 'test')}
    return Config(dict(model=model_cfg, **parts, val_evaluator=evaluator, test_evaluator=evaluator))


def model_config(ffn):
    heads = [
        dict(
            dataset=name,
            num_keypoints=k,
            codec=dict(type='UDPHeatmap', input_size=(48, 64), heatmap_size=(12, 16), sigma=2),
        )
        for name, k in zip(SIX, KEYPOINTS, strict=True)
    ]
    head = dict(type='HeatmapHead', in_channels=16, deconv_out_channels=[8, 8])
    head['deconv_kernel_sizes'] = [4, 4]
    arch = dict(depth=2, dim=16, num_heads=2)
    return dict(
        type='MultiDatasetTopdown',
        backbone=dict(type='ViTAE', arch=arch, input_hw=(64, 48), ffn=ffn),
        head=dict(type='MultiDatasetHead', head=head, heads=heads),
    )


@pytest.mark.parametrize(
    'ffn',
    [dict(type='PartiallySharedFFN', num_experts=6), dict(type='SharedFFN', hidden_dim=24)],
    ids=['experts', "as ViTPose-G's"],
)
def test_the_split_model_is_the_same_function(ffn):
    cfg = config_of(model_config(ffn))
    model = MODELS.build(cfg.model)
    model.load_state_dict(random_statistics(model.state_dict()))
    model.eval()
    state, plain_cfg = split(model.state_dict(), cfg, 'aic')
    plain = MODELS.build(plain_cfg.model).eval()
    plain.load_state_dict(state)
    assert type(plain.backbone) is ViTAE
    image = torch.randn(2, 3, 64, 48)
    expected = model.backbone(image, torch.tensor([1, 1]))
    assert_same(plain.backbone(image), expected)


def random_statistics(state):
    return {k: torch.rand_like(v) + 0.5 if 'running' in k else v for k, v in state.items()}


def test_an_encoder_of_1x1_kernels_starts_a_model_with_experts():
    encoder = ViTAE(
        dict(depth=2, dim=16, num_heads=2),
        (64, 48),
        convolution=dict(type='ParallelConvolution', kernel_size=1),
    ).eval()
    state = {f'backbone.{k}': v for k, v in random_statistics(encoder.state_dict()).items()}
    encoder.load_state_dict(unprefixed(state))
    cfg = Config(dict(model=model_config(dict(type='PartiallySharedFFN', num_experts=6))))
    model = MODELS.build(cfg.model)
    model.backbone.load_state_dict(unprefixed(expand(state, cfg)))
    image = torch.randn(3, 3, 64, 48)
    (features,) = model.eval().backbone(image, torch.tensor([0, 3, 5]))
    torch.testing.assert_close(features, encoder(image)[0], rtol=1e-5, atol=1e-5)


def test_only_smaller_kernels_fit():
    small, large = (
        ViTAE(
            dict(depth=1, dim=16, num_heads=2),
            (64, 48),
            convolution=dict(type='ParallelConvolution', kernel_size=k),
        )
        for k in (1, 3)
    )
    assert not differences(small.state_dict(), large)
    complaints = differences(large.state_dict(), small)
    assert len(complaints) == 2
    assert 'in shape (64, 4, 3, 3) where the model has (64, 4, 1, 1)' in complaints[0]
