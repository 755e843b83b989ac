"""Our loader of MAE encoders gives the results of the authors' loader: golden E.

The arrays ``bilinear|bicubic/patch_embed.proj.weight`` of E_mae_variants are not compared. They are
other ways to resize a 14x14 kernel to 16x16; the papers and ``convert`` do not use them.
"""

import pytest
import torch
from mmengine.config import Config

from vitpose_plus.checkpoints.converting import convert
from vitpose_plus.checkpoints.splitting import expand
from vitpose_plus.models import ViT
from vitpose_plus.models.positions import resize_table


def tensors(arrays, prefix):
    return {
        k.removeprefix(prefix): torch.from_numpy(v)
        for k, v in arrays.items()
        if k.startswith(prefix)
    }


def size(meta):
    given = meta['backbone']
    arch = dict(depth=given['depth'], dim=given['embed_dim'], num_heads=given['num_heads'])
    return dict(arch=arch, input_hw=tuple(given['img_size']))


def compare(ours, loaded):
    """Exact, except for the table: it is resized before or after the extra row is added."""
    # The authors' backbone file has no prefix; its norm has the initial value.
    expected = convert({f'backbone.{k}': v for k, v in loaded.items()}, 'official').state_dict
    assert set(ours) == set(expected)
    for name, value in expected.items():
        if 'pos_embed' in name:
            torch.testing.assert_close(
                ours[name].flatten(1, 2), value.flatten(1, 2), rtol=0, atol=1e-5
            )
        else:
            assert torch.equal(ours[name], value), name


@pytest.mark.parametrize('name', ['E_mae_vit.npz', 'E_mae_patch14_pad.npz'])
def test_plain_encoder(golden, name):
    arrays, meta = golden(name)
    converted = convert(tensors(arrays, 'ckpt/'))
    assert converted.source == 'mae'
    vit = ViT(**size(meta))
    vit.load_state_dict({k.removeprefix('backbone.'): v for k, v in converted.state_dict.items()})
    compare({f'backbone.{k}': v for k, v in vit.state_dict().items()}, tensors(arrays, 'loaded/'))


def test_the_dropped_keys_are_those_that_the_authors_report_as_unexpected(golden):
    arrays, meta = golden('E_mae_vit.npz')
    dropped = convert(tensors(arrays, 'ckpt/')).dropped
    keys = [key for of_one_reason in dropped.values() for key in of_one_reason]
    assert sorted(keys) == sorted(meta['report']['unexpected'])


def test_encoder_with_experts(golden):
    arrays, meta = golden('E_mae_moe.npz')
    plain = convert(tensors(golden('E_mae_vit.npz')[0], 'ckpt/')).state_dict
    given = meta['backbone']
    names = [f'dataset_{i}' for i in range(given['num_expert'])]
    experts = dict(
        type='PartiallySharedFFN', num_experts=len(names), expert_dim=given['part_features']
    )
    codec = dict(type='BatchedUDPHeatmap', input_size=(48, 64), heatmap_size=(12, 16), sigma=2)
    heads = [dict(dataset=name, num_keypoints=17, codec=codec) for name in names]
    cfg = Config(
        dict(
            model=dict(
                type='MultiDatasetTopdown',
                backbone=dict(type='ViT', ffn=experts, **size(meta)),
                head=dict(
                    type='MultiDatasetHead',
                    head=dict(type='HeatmapHead', in_channels=given['embed_dim']),
                    heads=heads,
                ),
            )
        )
    )
    compare(expand(plain, cfg), tensors(arrays, 'loaded/'))


def test_position_table_of_other_inputs(golden):
    source, meta = golden('E_mae_vit.npz')
    table = convert(tensors(source, 'ckpt/')).state_dict['backbone.pos_embed']
    patch = meta['backbone']['patch_size']
    arrays, _ = golden('E_mae_variants.npz')
    sizes = [key.removeprefix('pos_embed_') for key in arrays if key.startswith('pos_embed_')]
    assert sizes
    for input_hw in sizes:
        height, width = map(int, input_hw.split('x'))
        given = arrays[f'pos_embed_{input_hw}']
        expected = torch.from_numpy(given[:, 1:] + given[:, :1])
        ours = resize_table(table, (height // patch, width // patch)).flatten(1, 2)
        torch.testing.assert_close(ours, expected, rtol=0, atol=1e-5)
