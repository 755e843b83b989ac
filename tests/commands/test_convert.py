"""The command ``convert``: its messages, the files that it writes, and bad input."""

import re
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmpose.registry import MODELS

from vitpose_plus.checkpoints import reading, writing
from vitpose_plus.checkpoints.converting import convert
from vitpose_plus.checkpoints.layouts import LAYOUTS
from vitpose_plus.checkpoints.layouts.mae import MaeLayout
from vitpose_plus.checkpoints.matching import fitting_configs
from vitpose_plus.commands import convert as command
from vitpose_plus.commands import main
from vitpose_plus.experiments.catalogue import find_config
from vitpose_plus.experiments.splitting import split_config
from vitpose_plus.models.building import build_on_meta

SMALL = 'vitpose-small_coco-256x192'


@pytest.fixture
def official(tiny_config):
    """Writes the demo's model in the authors' layout, and its config; returns its weights."""
    state = MODELS.build(tiny_config.model).state_dict()
    converted = convert(state, target='official').state_dict
    writing.write('official.pth', {**converted, 'backbone.cls_token': torch.zeros(1)})
    tiny_config.dump('six.py')
    return state


@pytest.fixture
def mae(workplace):
    """Writes a checkpoint of MAE with the sizes of the demo's backbone: 4 layers of width 128."""
    dim = 128
    shapes = {
        'cls_token': (1, 1, dim),
        'pos_embed': (1, 197, dim),
        'mask_token': (1, 1, dim),
        'decoder_pos_embed': (1, 197, 8),
        'decoder_blocks.0.attn.qkv.weight': (8, 8),
        'decoder_pred.bias': (8,),
        'patch_embed.proj.weight': (dim, 3, 14, 14),
        'patch_embed.proj.bias': (dim,),
        'norm.weight': (dim,),
        'norm.bias': (dim,),
    }
    for i in range(4):
        for part, (rows, columns) in {
            'attn.qkv': (3 * dim, dim),
            'attn.proj': (dim, dim),
            'mlp.fc1': (4 * dim, dim),
            'mlp.fc2': (dim, 4 * dim),
        }.items():
            shapes[f'blocks.{i}.{part}.weight'] = (rows, columns)
            shapes[f'blocks.{i}.{part}.bias'] = (rows,)
        shapes |= {f'blocks.{i}.norm{j}.{k}': (dim,) for j in (1, 2) for k in ('weight', 'bias')}
    state = {name: torch.randn(shape) for name, shape in shapes.items()}
    torch.save(dict(model=state), 'mae.pth')
    return state


def test_it_prints_what_it_converts_and_what_it_leaves_out(official, capsys):
    main(['convert', 'official.pth', 'own.pth', '--config', 'six.py'])
    printed = capsys.readouterr().out
    assert "official.pth: the authors' layout, " in printed
    assert "Left out: 'backbone.cls_token' (a class token, which the authors'" in printed
    own = reading.read('own.pth')
    assert set(own) == set(official)
    for name, value in official.items():
        torch.testing.assert_close(own[name], value, rtol=0, atol=0)


def test_without_a_config_it_finds_a_matching_one(official, capsys):
    main(['convert', 'official.pth', 'own.pth'])
    assert 'By its shapes it fits vitpose-plus-tiny_figures-256x192.' in capsys.readouterr().out


def test_the_config_is_found_by_the_weights():
    """The simplest name is first. The input size distinguishes otherwise equal models."""
    names = [SMALL, 'vitpose-base_coco-384x288', 'vitpose-plus-base-simple_six-datasets-256x192']
    for name in names:
        cfg = Config.fromfile(find_config(name), format_python_code=False)
        assert fitting_configs(build_on_meta(cfg.model).state_dict()).startswith(name)


def test_the_config_is_found_without_building_a_model(monkeypatch):
    state = build_on_meta(Config.fromfile(find_config(SMALL)).model).state_dict()
    monkeypatch.setattr(Config, 'fromfile', None)
    assert fitting_configs(state).startswith(SMALL)
    assert fitting_configs(state | {'odd': torch.ones(1)}) == 'none of the included configs'
    dim = state['backbone.pos_embed'].shape[-1]
    resized = state | {'backbone.pos_embed': torch.empty(1, 3, 3, dim, device='meta')}
    assert fitting_configs(resized).endswith(', of another input size')


def test_plain_models_are_named_before_variants():
    name = 'vitpose-base_coco-256x192'  # distilled students have the same weights
    state = build_on_meta(Config.fromfile(find_config(name)).model).state_dict()
    assert fitting_configs(state).startswith(f'{name}, ')
    encoder = {key: value for key, value in state.items() if key.startswith('backbone.')}
    assert fitting_configs(encoder).startswith(f'{name}, ')


def test_the_choices_are_the_names_of_the_layouts():
    """The help must not import the layouts, because they import torch."""
    assert set(command.SOURCES) == set(LAYOUTS)
    targets = {name for name, layout in LAYOUTS.items() if not isinstance(layout, MaeLayout)}
    assert set(command.TARGETS) == targets


def test_conversion_to_our_layout_and_back_changes_nothing(official):
    main(['convert', 'official.pth', 'own.pth', '--config', 'six.py'])
    main(['convert', 'own.pth', 'back.pth', '--target', 'official', '--config', 'six.py'])
    back, given = reading.read('back.pth'), reading.read('official.pth')
    del given['backbone.cls_token']
    assert set(back) == set(given)
    assert all(torch.equal(back[name], value) for name, value in given.items())


def test_mae_initialises_a_plain_backbone_and_one_with_experts(mae, tiny_config, capsys):
    main(['convert', 'mae.pth', 'plain.pth'])
    plain = reading.read('plain.pth')
    assert plain['backbone.pos_embed'].shape == (1, 14, 14, 128)
    assert torch.equal(
        plain['backbone.patch_embed.weight'][..., 1:15, 1:15], mae['patch_embed.proj.weight']
    )
    assert 'the decoder of MAE' in capsys.readouterr().out
    tiny_config.dump('six.py')
    main(['convert', 'mae.pth', 'experts.pth', '--config', 'six.py'])
    assert 'Every dataset starts from the same plain FFN.' in capsys.readouterr().out
    experts = reading.read('experts.pth')
    fc2 = mae['blocks.3.mlp.fc2.weight']
    own = experts['backbone.layers.3.ffn.experts.weight']
    assert torch.equal(experts['backbone.layers.3.ffn.fc2.weight'], fc2[:-32])
    assert all(torch.equal(expert, fc2[-32:]) for expert in own)
    tiny_config.model.backbone.init_cfg = dict(
        type='Pretrained', checkpoint='experts.pth', prefix='backbone.'
    )
    model = MODELS.build(tiny_config.model)
    model.init_weights()  # as the runner does
    for name, value in model.state_dict().items():
        if name.startswith('backbone.'):
            assert torch.equal(value, experts[name]), name


def test_a_pretrained_backbone_is_resized_to_the_input(mae):
    main(['convert', 'mae.pth', 'plain.pth'])
    init = dict(type='Pretrained', checkpoint='plain.pth', prefix='backbone.')
    vit = MODELS.build(dict(type='ViT', arch='tiny', input_hw=(384, 288), init_cfg=init))
    vit.init_weights()
    assert torch.equal(vit.layers[2].attention.proj.bias, mae['blocks.2.attn.proj.bias'])
    assert vit.pos_embed.shape == (1, 24, 18, 128)
    assert vit.pos_embed.mean().item() == pytest.approx(
        (mae['pos_embed'][:, 1:] + mae['pos_embed'][:, :1]).mean().item(), abs=0.02
    )


BAD = {
    'a config of another size': (
        ['official.pth', 'x.pth', '--config', SMALL],
        r'official\.pth: It belongs to another model: .*by its shapes it fits vitpose-plus-tiny',
    ),
    'the wrong source': (
        ['official.pth', 'x.pth', '--source', 'mmpose'],
        r"official\.pth: It is not in mmpose's layout, but looks like the authors' layout: leave",
    ),
    'a key too many': (
        ['odd.pth', 'x.pth'],
        r"odd\.pth: These keys are not in the authors' layout: 'odd'\. .* it fits vitpose-plus-ti",
    ),
    'no ViTPose': (['other.pth', 'x.pth'], r'other\.pth: Its layout cannot be detected: name'),
    'a file that exists': (['official.pth', 'six.py'], r'six\.py exists: give another name, or'),
    'a folder': (['official.pth', 'folder', '--force'], 'folder is a folder: give the name of a'),
    'a place below a file': (
        ['official.pth', 'six.py/x.pth', '--config', 'six.py'],
        r'six\.py/x\.pth cannot be written, as .*six\.py is no folder: choose another',
    ),
    'no config for Hugging Face': (
        ['official.pth', 'x', '--target', 'hf'],
        r"--target hf needs the model's --config",
    ),
    'too many heads for Hugging Face': (
        ['official.pth', 'x', '--target', 'hf', '--config', 'six.py'],
        r'cannot be stored in .*: it has one head, so name its dataset with --dataset',
    ),
    'another decoder than Hugging Face has': (
        ['official.pth', 'x', '--target', 'hf', '--config', 'plain.py', '--dataset', 'coco'],
        r"Hugging Face's decoder has 256 channels, but this one has 64",
    ),
    'no head for Hugging Face': (
        ['mae.pth', 'x', '--target', 'hf', '--config', 'plain.py'],
        r'mae\.pth: Hugging Face has no class for a backbone without a head',
    ),
    'an unknown dataset': (
        ['official.pth', 'x.pth', '--dataset', 'zebra'],
        r"official\.pth: It has no head for 'zebra': it has heads for coco, aic",
    ),
    'an unknown config': (
        ['official.pth', 'x.pth', '--config', 'vitpose-bas_coco'],
        r'There is no config vitpose-bas_coco',
    ),
    'a checkpoint for a config': (
        ['official.pth', 'x.pth', '--config', 'official.pth'],
        r'official\.pth cannot be read as a config',
    ),
    'a config without a model': (
        ['official.pth', 'x.pth', '--config', 'empty.py'],
        r'empty\.py has no model with a backbone',
    ),
    'a config of another backbone': (
        ['official.pth', 'x.pth', '--config', 'resnet-50_coco-256x192'],
        r'official\.pth: It belongs to another model',
    ),
    'a truncated file': (['cut.pth', 'x.pth'], r'cut\.pth is no checkpoint, or not complete'),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_input_gets_one_sentence_and_writes_nothing(
    case, official, mae, tiny_config, workplace, capsys
):
    arguments, message = BAD[case]
    writing.write('other.pth', {'weight': torch.ones(1)})
    writing.write('odd.pth', {**reading.read('official.pth'), 'odd': torch.ones(1)})
    split_config(tiny_config, 'coco').dump('plain.py')
    Path('empty.py').touch()
    Path('folder').mkdir()
    whole = Path('official.pth').read_bytes()
    Path('cut.pth').write_bytes(whole[: len(whole) // 2])
    before = {path: path.stat().st_mtime_ns for path in workplace.rglob('*')}
    with pytest.raises(SystemExit) as stop:
        main(['convert', *arguments])
    assert stop.value.code == 2
    error = capsys.readouterr().err.strip()
    assert error.count('\n') == 0
    assert re.search(message, error), error
    assert {path: path.stat().st_mtime_ns for path in workplace.rglob('*')} == before


def test_force_replaces_a_file(official):
    Path('own.pth').write_text('old')
    main(['convert', 'official.pth', 'own.pth', '--config', 'six.py', '--force'])
    assert set(reading.read('own.pth')) == set(official)


def test_mae_initialises_windows_and_individual_ffns(mae, tiny_config, capsys):
    tiny_config.model.backbone.update(
        attention=dict(type='WindowAttention', window_hw=(4, 4)),
        ffn=dict(type='IndividualSharedFFN', num_experts=6),
    )
    tiny_config.dump('windows.py')
    main(['convert', 'mae.pth', 'start.pth', '--config', 'windows.py'])
    printed = capsys.readouterr().out
    assert 'Relative positions start at zero, so they have no effect yet.' in printed
    assert 'Every dataset starts from the same plain FFN.' in printed
    start = reading.read('start.pth')
    assert not start['backbone.layers.0.attention.rel_pos.pos_embed_h'].any()
    shared = start['backbone.layers.3.ffn.shared.fc2.weight']
    assert torch.equal(shared, mae['blocks.3.mlp.fc2.weight'])


def test_a_model_with_windows_is_not_written_in_a_layout_without_them(tiny_config, capsys):
    plain = split_config(tiny_config, 'coco')
    plain.model.backbone.attention = dict(type='PoolingWindowAttention', rel_pos=None)
    plain.dump('plain.py')
    writing.write('plain.pth', MODELS.build(plain.model).state_dict())
    with pytest.raises(SystemExit):
        main(['convert', 'plain.pth', 'x.pth', '--target', 'mmpose', '--config', 'plain.py'])
    message = "The model has PoolingWindowAttention, which mmpose's layout cannot express:"
    assert f'plain.pth: {message}' in capsys.readouterr().err
    assert not Path('x.pth').exists()
