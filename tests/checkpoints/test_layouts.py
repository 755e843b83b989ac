"""Every layout in both directions, strictly; numbers are compared in tests/golden."""

import pytest
import torch

from tests.helpers.models import KEYPOINTS, SIX, plain, plus, same
from vitpose_plus.checkpoints.converting import convert, keep_dataset
from vitpose_plus.checkpoints.layouts import LAYOUTS, Facts
from vitpose_plus.checkpoints.layouts.layout import translator
from vitpose_plus.checkpoints.layouts.tensors import pad_patches, to_rectangle

FFNS = ['SharedFFN', 'IndividualFFN', 'IndividualSharedFFN', 'PartiallySharedFFN']


@pytest.mark.parametrize('simple', [True, False])
@pytest.mark.parametrize('layout', ['official', 'mmpose', 'hf', 'vitpose_plus'])
def test_a_plain_model_is_converted_to_every_layout_and_back(layout, simple):
    state = plain(simple).state_dict()
    away = convert(state, target=layout)
    assert away.source == 'vitpose_plus'
    back = convert(away.state_dict)
    assert (back.source, back.dropped) == (layout, {})
    same(back.state_dict, state)


def test_names_of_mmpretrain():
    """The names of mmpretrain 1.2.0 and mmpose 1.3.2, with one layer."""
    layer, tail = 'backbone.layers.0', ('weight', 'bias')
    names = ['backbone.pos_embed']
    names += [f'backbone.patch_embed.projection.{t}' for t in tail]
    names += [f'{layer}.{part}.{t}' for part in ('ln1', 'ln2') for t in tail]
    names += [f'{layer}.attn.{part}.{t}' for part in ('qkv', 'proj') for t in tail]
    names += [f'{layer}.ffn.layers.{part}.{t}' for part in ('0.0', '1') for t in tail]
    names += [f'backbone.ln1.{t}' for t in tail] + [f'head.final_layer.{t}' for t in tail]
    state = convert(plain(simple=True).state_dict(), target='mmpose').state_dict
    assert {name for name in state if not name.startswith('backbone.layers.1.')} == set(names)
    assert state['backbone.pos_embed'].shape == (1, 12, 16)


@pytest.mark.parametrize(
    'model',
    [
        lambda: plus(),
        lambda: plus(SIX[:3], KEYPOINTS[:3], 'SharedFFN'),
        lambda: plus([*SIX[:3], 'crowdpose'], [17, 14, 16, 14], 'SharedFFN'),
    ],
)
def test_several_heads_are_converted_to_the_authors_layout_and_back(model):
    state = model().state_dict()
    away = convert(state, target='official').state_dict
    assert not any('heads.coco' in key for key in away)
    same(convert(away).state_dict, state)


def test_heads_of_other_datasets_are_named_by_the_model():
    model = plus(['zebra', 'okapi'], [5, 9])
    state = model.state_dict()
    away = convert(state, target='official').state_dict
    with pytest.raises(ValueError, match=r'2 heads and 2 experts, .* any known list of datasets'):
        convert(away)
    same(convert(away, model=model).state_dict, state)


def test_experts_cannot_be_stored_in_mmpose_s_layout():
    with pytest.raises(ValueError, match=r'experts.* cannot be stored in .*split the model first'):
        convert(plus().state_dict(), target='mmpose')


def test_several_heads_cannot_be_stored_in_hugging_face_s_layout():
    with pytest.raises(ValueError, match='one head, so name its dataset with --dataset'):
        convert(plus().state_dict(), target='hf')


@pytest.mark.parametrize('ffn', ['IndividualFFN', 'IndividualSharedFFN'])
def test_other_kinds_of_experts_are_supported_by_split_only(ffn):
    with pytest.raises(ValueError, match=r'fc1_experts.*, which only split can fold into plain FF'):
        keep_dataset(plus(ffn=ffn).state_dict(), 'coco')


@pytest.mark.parametrize('dataset', SIX)
def test_keep_dataset_folds_the_ffns(dataset):
    """It has the weights that the ``fold`` of the model's FFNs computes."""
    model = plus()
    kept = keep_dataset(model.state_dict(), dataset)
    assert not any('expert' in key or 'heads' in key for key in kept)
    for i, layer in enumerate(model.backbone.layers):
        for name, value in layer.ffn.fold(SIX.index(dataset)).state_dict().items():
            assert torch.equal(kept[f'backbone.layers.{i}.ffn.{name}'], value)
    for name, value in model.head.heads[dataset].state_dict().items():
        assert torch.equal(kept[f'head.{name}'], value)


def test_keep_dataset_of_shared_ffns_gives_a_plain_model():
    several = plus(SIX[:3], KEYPOINTS[:3], 'SharedFFN').state_dict()
    plain().load_state_dict(keep_dataset(several, 'coco'))
    with pytest.raises(ValueError, match="no head for 'zebra': it has heads for coco, aic, mpii"):
        keep_dataset(several, 'zebra')
    with pytest.raises(ValueError, match="no head for 'coco': leave the dataset out"):
        keep_dataset(plain().state_dict(), 'coco')


def test_heads_as_wide_as_the_widest_are_cut_to_their_keypoints():
    state = plus().state_dict()
    wide = convert(state, target='official').state_dict
    for key, value in wide.items():
        if 'final_layer' in key:
            extra = torch.full((133 - len(value), *value.shape[1:]), 7.0)
            wide[key] = torch.cat([value, extra])
    converted = convert(wide)
    same(converted.state_dict, state)
    [(reason, keys)] = converted.dropped.items()
    assert 'beyond' in reason
    assert len(keys) == 12


def test_only_the_associate_heads_may_be_wide():
    """The authors' split tool expects such files."""
    state = plus().state_dict()
    wide = convert(state, target='official').state_dict
    for key, value in wide.items():
        if 'final_layer' in key and key.startswith('associate'):
            wide[key] = torch.cat([value, torch.ones(133 - len(value), *value.shape[1:])])
    same(convert(wide).state_dict, state)


def test_heads_in_another_order_are_never_cut():
    mixed = plus(['a', 'b', 'c'], [17, 133, 16])
    state = convert(mixed.state_dict(), target='official').state_dict
    with pytest.raises(ValueError, match=r'head for c has 16 keypoints where .* has 133'):
        convert(state, model=plus(['a', 'b', 'c'], [17, 16, 133]))


def test_a_head_without_its_final_layer_is_refused():
    state = convert(plus().state_dict(), target='official').state_dict
    for part in ('weight', 'bias'):
        del state[f'associate_keypoint_heads.2.final_layer.{part}']
    with pytest.raises(ValueError, match=r'nothing for .*others\.2\.final_layer\.bias'):
        convert(state)


def test_mae_with_the_prefix_encoder(golden):
    arrays, _ = golden('E_mae_vit.npz')
    state = {k[5:]: torch.from_numpy(v) for k, v in arrays.items() if k.startswith('ckpt/')}
    prefixed = {
        k if 'decoder' in k or k == 'mask_token' else f'encoder.{k}': v for k, v in state.items()
    }
    same(convert(prefixed).state_dict, convert(state).state_dict)


def test_a_head_of_another_dataset_is_not_cut():
    """The heads have 17 and 133 keypoints, the datasets of the model 17 and 16."""
    state = convert(plus(['coco', 'wide'], [17, 133]).state_dict(), target='official').state_dict
    with pytest.raises(ValueError, match=r'head for mpii has 133 keypoints where .* has 16'):
        convert(state, model=plus(['coco', 'mpii'], [17, 16]))


def test_heads_with_too_few_keypoints_are_refused():
    narrow = convert(plus(keypoints=[17, 14, 16, 17, 17, 100]).state_dict(), target='official')
    with pytest.raises(ValueError, match=r'coco_wholebody has 100 keypoints where .* has 133'):
        convert(narrow.state_dict)


def test_an_expert_that_is_missing_is_named():
    state = convert(plus().state_dict(), target='official').state_dict
    del state['backbone.blocks.0.mlp.experts.2.bias']
    with pytest.raises(ValueError, match=r'experts\.bias has the experts \[0, 1, 3, 4, 5\]'):
        convert(state)


@pytest.mark.parametrize('layout', ['official', 'mmpose', 'hf', 'vitpose_plus'])
def test_unknown_keys_are_named(layout):
    state = convert(plain().state_dict(), target=layout).state_dict
    unknown = {f'backbone.adapter{i}.weight': torch.ones(1) for i in range(5)}
    message = r'^These keys are not in .*: .*adapter0.*adapter2.* and 2 more keys\.$'
    with pytest.raises(ValueError, match=message) as error:
        convert({**state, **unknown})
    assert set(error.value.rest) == set(plain().state_dict())


def test_a_source_that_the_keys_contradict_is_refused():
    state = convert(plain().state_dict(), target='official').state_dict
    for wrong in ('mmpose', 'hf', 'mae', 'vitpose_plus'):
        with pytest.raises(ValueError, match=r"is not in .*, but looks like the authors' layout"):
            convert(state, source=wrong)


@pytest.mark.parametrize('layout', ['official', 'mmpose', 'hf', 'vitpose_plus'])
@pytest.mark.parametrize(
    'part',
    [
        'backbone.pos_embed',
        'backbone.norm.bias',
        'head.final_layer.bias',
        *(
            f'backbone.layers.1.{p}'
            for p in (
                'norm1.bias',
                'attention.qkv.weight',
                'attention.proj.bias',
                'ffn.fc1.weight',
                'ffn.fc2.bias',
            )
        ),
    ],
)
def test_a_file_with_a_missing_part_is_refused(layout, part):
    state = plain().state_dict()
    written = LAYOUTS[layout].write(
        {part: state[part], 'backbone.pos_embed': state['backbone.pos_embed']}
    )
    complete = convert(state, target=layout).state_dict
    for key in written:
        if part == 'backbone.pos_embed' or 'pos' not in key:
            broken = {name: value for name, value in complete.items() if name != key}
            with pytest.raises(ValueError, match=r'is not complete as .*: it has nothing for'):
                convert(broken, source=layout)


@pytest.mark.parametrize('ffn', FFNS)
def test_our_layout_has_every_kind_of_ffn_and_refuses_missing_parts(ffn):
    state = plus(ffn=ffn, attention='WindowAttention').state_dict()
    converted = convert(state)
    assert (converted.source, converted.dropped) == ('vitpose_plus', {})
    same(converted.state_dict, state)
    own = LAYOUTS['vitpose_plus']
    parts = [key for key in state if 'layers.1.' in key and ('.ffn.' in key or '.rel_pos.' in key)]
    assert len(parts) == 2 + dict(zip(FFNS, (4, 4, 8, 6), strict=True))[ffn]
    for part in parts:
        broken = {key: value for key, value in state.items() if key != part}
        with pytest.raises(ValueError, match=f"complete as .*: it has nothing for '{part}'; check"):
            own.read(broken, Facts())
        of_all_layers = part.split('layers.1.')[1]
        broken = {key: value for key, value in state.items() if not key.endswith(of_all_layers)}
        with pytest.raises(ValueError, match=f'nothing for .*{of_all_layers}'):
            own.read(broken, Facts())


def test_layers_with_and_without_relative_positions_are_complete():
    state = plus(attention='WindowAttention').state_dict()
    state = {key: value for key, value in state.items() if 'layers.0.attention.rel_pos' not in key}
    same(convert(state).state_dict, state)


def test_a_mix_of_two_kinds_of_ffns_is_refused():
    state, other = (plus(ffn=ffn).state_dict() for ffn in ('SharedFFN', 'IndividualFFN'))
    mixed = state | {key: value for key, value in other.items() if 'experts' in key}
    with pytest.raises(ValueError, match=r'nothing for .*ffn\.experts'):
        convert(mixed, source='vitpose_plus')


@pytest.mark.parametrize('ffn', ['IndividualFFN', 'IndividualSharedFFN'])
@pytest.mark.parametrize(
    ('layout', 'hint'),
    [
        ('official', r"its FFNs are plain or ViTPose\+'s, so split the model first"),
        ('mmpose', 'one head and no experts, so split the model first'),
        ('hf', 'one head, so name its dataset with --dataset'),
    ],
)
def test_our_kinds_of_ffns_cannot_be_stored_in_other_layouts(ffn, layout, hint):
    with pytest.raises(
        ValueError, match=rf'ffn\.(fc1_experts|shared).* cannot be stored in .*: .*{hint}'
    ):
        convert(plus(ffn=ffn).state_dict(), target=layout)


@pytest.mark.parametrize('layout', ['official', 'mmpose', 'hf'])
def test_relative_positions_cannot_be_stored_in_other_layouts(layout):
    state = keep_dataset(plus(attention='WindowAttention').state_dict(), 'coco')
    with pytest.raises(ValueError, match=r'pos_embed_h.* cannot be stored .*, so keep our layout'):
        convert(state, target=layout)


def test_a_missing_layer_is_refused():
    state = convert(plain().state_dict(), target='official').state_dict
    broken = {key: value for key, value in state.items() if '.blocks.0.' not in key}
    with pytest.raises(ValueError, match=r"nothing for 'backbone\.layers\.0\..* more keys"):
        convert(broken, source='official')


def test_a_layout_that_is_not_recognised_is_refused():
    with pytest.raises(ValueError, match=r'layout cannot be detected: name it with --source off'):
        convert({'weight': torch.ones(1)})


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_the_extra_row_of_a_half_precision_file_is_added_in_full_precision(dtype):
    state = convert(plain().state_dict(), target='official').state_dict
    rows = torch.randn(1, 13, 16).to(dtype)
    half = {**{k: v.to(dtype) for k, v in state.items()}, 'backbone.pos_embed': rows}
    table = convert(half).state_dict['backbone.pos_embed']
    exact = rows[:, 1:].float() + rows[:, :1].float()
    assert torch.equal(table.flatten(1, 2), exact)


def test_names_before_mmpose_1_are_read_too():
    state = convert(plain().state_dict(), target='mmpose').state_dict
    old = {
        key.replace('head.', 'keypoint_head.').replace('.ln1.', '.norm1.')
        if 'layers' in key
        else key: value
        for key, value in state.items()
    }
    same(convert(old).state_dict, convert(state).state_dict)


@pytest.mark.parametrize('size', [8, 15, 32])
def test_patches_of_any_other_size_are_refused(size):
    with pytest.raises(ValueError, match=f'patches are {size}x{size}: a ViTPose starts from 14x14'):
        pad_patches(torch.zeros(4, 3, size, size), 16)


def test_a_class_token_is_dropped_with_the_reason():
    state = convert(plain().state_dict(), target='official').state_dict
    [(reason, keys)] = convert({**state, 'backbone.cls_token': torch.ones(1)}).dropped.items()
    assert keys == ['backbone.cls_token']
    assert 'class token' in reason


def test_mae_is_a_source_only():
    with pytest.raises(ValueError, match='is a source only'):
        convert(plain().state_dict(), target='mae')


@pytest.mark.parametrize(
    ('rows', 'given', 'grid'),
    [
        (192, None, (16, 12)),
        (432, None, (24, 18)),
        (972, None, (36, 27)),
        (196, None, (14, 14)),
        (256, None, (16, 16)),
        (300, (15, 20), (15, 20)),
        (192, (24, 18), (16, 12)),  # the size of the file counts, not the model's
        (192, (12, 16), (12, 16)),
    ],
)
def test_the_grid_of_a_list_of_positions(rows, given, grid):
    table = torch.arange(rows * 2.0).reshape(1, rows, 2)
    rectangle = to_rectangle(table, given)
    assert rectangle.shape == (1, *grid, 2)
    assert torch.equal(rectangle.flatten(1, 2), table)


def test_an_unclear_grid_is_refused():
    with pytest.raises(ValueError, match='200 positions are neither a square nor 4:3: name'):
        to_rectangle(torch.zeros(1, 200, 2), None)


def test_translator():
    look_up = translator({'a.*.b.*': 'x.*.*', 'plain': 'kept', 'gone.*': 'for a reason'})
    assert look_up('a.3.b.weight') == 'x.3.weight'
    assert look_up('plain') == 'kept'
    assert look_up('gone.3') == 'for a reason'
    assert look_up('a.3.4.b.weight') is None
    assert look_up('aplain') is None
