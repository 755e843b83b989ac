"""A part joins without a change of any tensor that the model had before."""

from dataclasses import replace

import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmpose.registry import MODELS
from mmpose.structures import PoseDataSample

from tests.helpers.models import SIX, same
from tests.helpers.parts import built, heatmaps, kept, renamed, six
from vitpose_plus.checkpoints.experts import expert_weights, is_expert, mean_expert, shared_weights
from vitpose_plus.checkpoints.layouts.heads import NAMES, own_prefix
from vitpose_plus.checkpoints.parts import (
    KEY,
    digests,
    join,
    read_part,
    take_part,
    write_part,
)
from vitpose_plus.datasets.skeletons import Skeleton
from vitpose_plus.errors import UserError
from vitpose_plus.inference.facts import crop_of, datasets_of
from vitpose_plus.models.dataset_names import from_tensor, to_tensor

SHARED = 'backbone.layers.3.norm1.weight'
# Parts of the names of all tensors that datasets share.
FROZEN = ('pos_embed', 'patch_embed', 'norm1', 'norm2', 'attention', 'fc1', 'fc2', 'norm')


@pytest.fixture(scope='module')
def whole():
    """Weights and config of the six datasets; no test changes them."""
    return six()


def check_equal_outputs(before, after, names):
    """Compares the heatmaps of one mixed batch, bit for bit."""
    old, new = (heatmaps(built(*model), names) for model in (before, after))
    assert all(float(each.std()) > 1e-4 for each in old)
    assert all(map(torch.equal, old, new))


def test_a_part_that_is_taken_out_and_joined_again_gives_the_same_file(whole, tmp_path):
    state, cfg = whole
    write_part(tmp_path / 'part.pth', take_part(state, cfg, SIX[-1]))
    five = kept(state, cfg, SIX[:-1])
    joined, joined_cfg = join(*five, read_part(tmp_path / 'part.pth'))
    same(joined, state)
    assert list(joined) == list(state)
    assert all(joined[name].dtype == value.dtype for name, value in state.items())
    assert from_tensor(joined[NAMES]) == SIX
    assert joined_cfg.model == cfg.model
    old, new = (dict(datasets_of(each)) for each in (cfg, joined_cfg))
    for name in SIX:
        a, b = (
            Skeleton.of(metainfo, *crop_of(Compose(pipeline)))
            for metainfo, pipeline in (old[name], new[name])
        )
        assert a == b


def test_every_dataset_of_the_model_has_a_part(whole, tmp_path):
    state, cfg = whole
    for name in SIX:
        part = take_part(state, cfg, name)
        write_part(tmp_path / 'part.pth', part)
        back = read_part(tmp_path / 'part.pth')
        assert back.settings == part.settings
        assert back.shared == part.shared
        same(back.expert, part.expert)
        same(back.head, part.head)


def test_old_outputs_stay_the_same_bit_for_bit(whole):
    seventh = renamed(take_part(*whole, 'ap10k'), 'mouse')
    joined = join(*whole, seventh)
    check_equal_outputs(whole, joined, [*SIX, 'mpii', 'coco'])
    [twin, own] = heatmaps(built(*joined), ['ap10k'])[0], heatmaps(built(*joined), ['mouse'])[0]
    assert torch.equal(twin, own)


def test_parts_joined_in_either_order_predict_the_same(whole):
    parts = [renamed(take_part(*whole, 'ap10k'), 'mouse'), renamed(take_part(*whole, 'aic'), 'fly')]
    one, other = whole, whole
    for part in parts:
        one = join(*one, part)
    for part in reversed(parts):
        other = join(*other, part)
    assert from_tensor(one[0][NAMES])[6:] == ['mouse', 'fly']
    assert from_tensor(other[0][NAMES])[6:] == ['fly', 'mouse']
    models = built(*one), built(*other)
    for name in [*SIX, 'mouse', 'fly']:
        first, second = (heatmaps(model, [name])[0] for model in models)
        assert torch.equal(first, second), name


def test_a_part_that_was_trained_with_decay_and_momentum_changes_nothing_else(whole):
    """Only the expert and the head of the one-dataset model are in the optimiser."""
    state, cfg = whole
    one, one_cfg = kept(state, cfg, ['ap10k'])
    one_cfg.model.head.heads[0].dataset = 'mouse'
    own, new = own_prefix('ap10k'), own_prefix('mouse')
    one = {key.replace(own, new): value for key, value in one.items()}
    one |= mean_expert({key: value.float() for key, value in state.items() if is_expert(key)})
    one[NAMES] = to_tensor(['mouse'])
    for split in ('train', 'val', 'test'):
        [data] = one_cfg[f'{split}_dataloader'].dataset.datasets
        metainfo = renamed(take_part(*whole, 'ap10k'), 'mouse').settings.metainfo()
        data.update(type='BaseCocoStyleDataset', metainfo=metainfo)
    model = MODELS.build(
        {**one_cfg.model, 'backbone': {**one_cfg.model.backbone, 'frozen': FROZEN}}
    )
    model.load_state_dict(one)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-2, weight_decay=0.1)
    samples = [PoseDataSample(metainfo=dict(dataset_name='mouse'))] * 2
    model.train()
    for _ in range(3):
        loss = sum(
            each.square().mean() for each in model._forward(torch.randn(2, 3, 256, 192), samples)
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    after = {key: value.detach() for key, value in model.state_dict().items()}
    moved = [key for key, value in after.items() if not torch.equal(value, one[key].to(value))]
    assert all(is_expert(key) or key.startswith(new) for key in moved)
    assert {key for key in one if is_expert(key)} <= set(moved)
    joined = join(state, cfg, take_part(after, one_cfg, 'mouse'), one_cfg)
    for index in range(6):
        same(
            expert_weights(joined[0], index),
            {key: value.float() for key, value in expert_weights(state, index).items()},
        )
    check_equal_outputs(whole, joined, [*SIX, 'ap10k'])
    alone, inside = (heatmaps(built(*each), ['mouse'])[0] for each in ((after, one_cfg), joined))
    assert torch.equal(alone, inside)


def test_half_and_single_precision_have_the_same_digests(whole):
    state, _ = whole
    single = {key: value.float() for key, value in shared_weights(state).items()}
    assert digests(single) == digests(shared_weights(state))
    nearly = dict(single, **{SHARED: single[SHARED].nextafter(torch.tensor(9.0))})
    assert [k for k, v in digests(nearly).items() if v != digests(single)[k]] == [SHARED]


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_the_mean_expert_is_rounded_once(dtype):
    """The sum of six values near 60,000 is infinite in half precision."""
    key = 'backbone.layers.0.ffn.experts.weight'
    values = torch.stack([torch.randn(6, 500), torch.full((6, 500), 60000.0)], 1).to(dtype)
    mean = mean_expert({key: values, SHARED: torch.ones(6)})
    assert list(mean) == [key]
    assert mean[key].shape == (1, 2, 500)
    exact = torch.promote_types(dtype, torch.float32)
    assert torch.equal(mean[key], values.to(exact).mean(0, keepdim=True).to(dtype))


@pytest.mark.parametrize('name', [SHARED, 'backbone.pos_embed'])
def test_a_changed_shared_tensor_is_refused_by_its_name(name, whole):
    state, cfg = whole
    changed = dict(state, **{name: state[name].clone()})
    changed[name].view(-1)[0] += 1
    part = renamed(take_part(state, cfg, 'aic'), 'fly')
    with pytest.raises(UserError, match=rf"part of 'fly' .* tensor {name} differs; give the"):
        join(changed, cfg, part)
    less = {key: value for key, value in part.shared.items() if key != name}
    with pytest.raises(UserError, match=rf'tensor {name} is missing in the part'):
        join(state, cfg, replace(part, shared=less))
    more = replace(part, shared={**part.shared, 'backbone.extra': '0'})
    with pytest.raises(UserError, match=r'tensor backbone\.extra is missing in the model'):
        join(state, cfg, more)


def test_parts_of_another_kind_are_refused(whole):
    state, cfg = whole
    part = take_part(state, cfg, 'aic')
    with pytest.raises(UserError, match="has a head for the dataset 'aic' already"):
        join(state, cfg, part)
    fly = renamed(part, 'fly')
    wide = replace(fly, settings=replace(fly.settings, input_hw=[384, 288]))
    with pytest.raises(UserError, match=r"'fly' have 384x288 pixels .* the model 256x192"):
        join(state, cfg, wide)
    name = next(iter(fly.expert))
    with pytest.raises(UserError, match=rf'another kind of expert .*\({name}\)'):
        join(state, cfg, replace(fly, expert={**fly.expert, name: fly.expert[name][:, :2]}))
    less = {key: value for key, value in fly.head.items() if key != 'final_layer.bias'}
    with pytest.raises(UserError, match=r'The part .* lacks .*fly\.final_layer\.bias'):
        join(state, cfg, replace(fly, head=less))


def test_a_dataset_that_is_not_tested_is_refused(whole):
    state, cfg = whole
    cfg = Config(cfg.to_dict())
    del cfg.test_dataloader.dataset.datasets[1]
    with pytest.raises(UserError, match=r"has no test_dataloader of the dataset 'aic'.*: add it"):
        take_part(state, cfg, 'aic')
    cfg.test_dataloader = None  # the loader of validation has it
    assert take_part(state, cfg, 'aic').settings == take_part(*whole, 'aic').settings


WRONG = {
    'a class': (dict(type='os.system'), r'settings\.type is not known'),
    'a codec': (dict(crop=dict(type='UDPHeatmap')), r"settings\.crop is \{'type'.*a key of config"),
    'no crop': (dict(crop='square'), r"settings\.crop is 'square', but must be a key of configs"),
    'a path': (dict(dataset='../x'), r"settings\.dataset is '\.\./x', but must be a name without"),
    'a variable': (dict(dataset='{{ $HOME:x }}'), r'settings\.dataset is .* double braces'),
    'true': (dict(num_keypoints=True), r'settings\.num_keypoints is True'),
    'a number': (dict(num_keypoints=13), r'settings\.names is .* one name for each keypoint'),
    'nan': (dict(padding=float('nan')), r'settings\.padding is nan, but must be a positive'),
    'text': (dict(sigma='2'), r"settings\.sigma is '2', but must be a positive number"),
    'one side': (dict(input_hw=[256]), r'settings\.input_hw is \[256\], but must be two whole'),
    'a tuple': (dict(input_hw=(256, 192)), r'settings\.input_hw is \(256, 192\)'),
    'one-sided': (dict(swaps=['neck', *[''] * 13]), r'settings\.swaps is .* or empty'),
    'a link': (dict(links=[['neck', 'tail']]), r'settings\.links is .* pairs of names'),
    'few': (dict(sigmas=[0.1]), r'settings\.sigmas is \[0\.1\], but must be one positive'),
    'a colour': (dict(colors=[[0, 0, 256]] * 14), r'settings\.colors is .* from 0 to 255'),
}


@pytest.mark.parametrize('case', WRONG)
def test_a_file_with_wrong_settings_is_refused(case, whole, tmp_path):
    changes, message = WRONG[case]
    check_refused(whole, tmp_path, lambda c: c['settings'].update(changes), message)


CHANGES = {
    'missing': (lambda c: c['settings'].pop('sigma'), r'settings\.sigma is missing'),
    'no settings': (lambda c: c.update(settings=3), r'settings is no dict'),
    'an extra field': (lambda c: c.update(config={}), r'config is missing or not known'),
    'a newer schema': (lambda c: c.update({KEY: 2}), r'of the schema 2, this version reads 1'),
    'no head': (lambda c: c.update(head={}), r'head is empty'),
    'no tensor': (lambda c: c['head'].update(x='y'), r"its 'x' is no tensor \(str\)"),
    'nan': (lambda c: c['expert'].update(x=torch.tensor([torch.nan])), r'not finite'),
    'no digest': (lambda c: c['shared'].update(x=3), r'shared\.x is no text'),
    'no part': (lambda c: c.pop(KEY), r'is no part: give a file that vitpose split --part wrote'),
}


@pytest.mark.parametrize('case', CHANGES)
def test_a_changed_file_is_refused(case, whole, tmp_path):
    check_refused(whole, tmp_path, *CHANGES[case])


def check_refused(whole, tmp_path, change, message):
    """Writes a part, changes the file, and reads it."""
    path = tmp_path / 'part.pth'
    write_part(path, take_part(*whole, 'aic'))
    content = torch.load(path, weights_only=True)
    change(content)
    torch.save(content, path)
    with pytest.raises(UserError, match=f'part.pth.*{message}'):
        read_part(path)
