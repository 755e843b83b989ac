"""Any checkpoint is a start of a backbone; an expert is folded exactly as ``split`` folds it."""

import pytest
import torch
from mmpose.registry import MODELS

from tests.checkpoints.test_splitting import KINDS
from tests.helpers.models import KEYPOINTS, SIX, plain, plus, same
from vitpose_plus.checkpoints import convert, released, split
from vitpose_plus.checkpoints.starts import find_start
from vitpose_plus.errors import UserError


def backbone(state):
    return {key: value for key, value in state.items() if key.startswith('backbone.')}


@pytest.mark.parametrize('ffn', KINDS[1:], ids=lambda ffn: ffn['type'])
def test_the_folded_backbone_is_that_of_split(ffn, tiny_config):
    size = dict(expert_dim=8) if 'expert_dim' in ffn else {}
    arch = dict(depth=1, dim=32, num_heads=2)
    tiny_config.model.backbone.update(arch=arch, ffn=dict(ffn, **size))
    tiny_config.model.head.head.in_channels = 32
    state = MODELS.build(tiny_config.model).state_dict()
    torch.save(state, 'six.pth')
    expected, _ = split(state, tiny_config, 'ap10k')
    same(find_start('six.pth', 'ap10k').folded(), backbone(expected))


@pytest.mark.parametrize('layout', ['official', 'hf', 'mmpose', 'vitpose_plus'])
def test_a_plain_file_of_every_layout_has_the_same_backbone(layout, tmp_path):
    state, path = plain().state_dict(), str(tmp_path / 'w.pth')
    torch.save(convert(state, target=layout).state_dict, path)
    start = find_start(path)
    same(start.folded(), backbone(state))
    assert (start.layout, start.experts, start.expert) == (layout, (), None)
    assert start.left_out == ('head',)
    with pytest.raises(UserError, match='has no experts: leave --expert coco out'):
        find_start(path, 'coco')


def test_experts_of_another_layout_are_named_by_their_number_of_datasets(tmp_path):
    model, path = plus(SIX, KEYPOINTS), str(tmp_path / 'w.pth')
    torch.save(convert(model.state_dict(), target='official').state_dict, path)
    torch.save(model.state_dict(), tmp_path / 'own.pth')
    start, own = find_start(path, 'mpii'), find_start(str(tmp_path / 'own.pth'), 'mpii')
    assert find_start(path).expert == 'coco'
    assert start.experts == own.experts == tuple(SIX)
    assert start.expert == 'mpii'
    same(start.folded(), own.folded())
    with pytest.raises(UserError, match=r"no expert 'dog': give one of coco, aic.* with --expert"):
        find_start(path, 'dog')


def test_experts_without_names_have_numbers(tmp_path):
    state = backbone(plus(SIX, KEYPOINTS).state_dict())
    torch.save(state, tmp_path / 'w.pth')
    assert find_start(str(tmp_path / 'w.pth'), '4').experts == tuple('012345')


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (dict(weight=torch.ones(1)), 'has no backbone of a ViTPose in a known layout'),
        (
            convert(plus(['zebra', 'okapi'], [5, 9]).state_dict(), target='official').state_dict,
            r'cannot be a start \(.*2 experts.*\): translate it with .*convert IN OUT --config',
        ),
    ],
)
def test_other_files_are_refused(content, message, tmp_path):
    torch.save(content, tmp_path / 'w.pth')
    with pytest.raises(UserError, match=message):
        find_start(str(tmp_path / 'w.pth'))


def test_an_unknown_name_is_refused_with_the_closest():
    with pytest.raises(
        UserError, match=r'does not exist, and no .* closest names are vitpose-plus-'
    ):
        find_start('vitpose-plus-bas')


def test_a_released_name_is_downloaded_once(served, monkeypatch, capsys):
    folder, address, asked = served
    state = plus(SIX, KEYPOINTS).state_dict()
    torch.save(convert(state, target='official').state_dict, folder / 'six.pth')
    weights = released.RELEASED['vitpose-plus-base']._replace(url=f'{address}/six.pth', sha256='')
    monkeypatch.setitem(released.RELEASED, 'vitpose-plus-base', weights)
    first, second = (find_start('vitpose-plus-base', 'ap10k') for _ in range(2))
    assert (len(asked), first.path, first.expert) == (1, second.path, 'ap10k')
    assert capsys.readouterr().err.count('nc-wholebody') == 1


def test_the_architecture_follows_from_the_shapes(tiny_config):
    torch.save(MODELS.build(tiny_config.model).state_dict(), 'six.pth')
    start = find_start('six.pth')
    assert (start.arch, start.depth, start.dim) == ('tiny', 4, 128)
    assert start.patch == dict(kernel_size=16, stride=16, padding=2)
    small = MODELS.build(dict(type='ViT', arch=dict(depth=2, dim=32, num_heads=2)))
    torch.save({f'backbone.{k}': v for k, v in small.state_dict().items()}, 'small.pth')
    with pytest.raises(UserError, match='2 layers of width 32, which no named architecture has'):
        _ = find_start('small.pth').arch
