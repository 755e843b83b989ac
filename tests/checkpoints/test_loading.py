"""mmengine loads checkpoints with our reader: the same weights, and the other entries unchanged."""

from pathlib import Path

import mmpose
import numpy as np
import pytest
import torch
from mmengine.model import ExponentialMovingAverage
from mmengine.runner import CheckpointLoader, load_checkpoint
from mmengine.runner.checkpoint import _load_checkpoint_with_prefix
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from mmpose.registry import MODELS
from torch import nn

from tests.checkpoints.test_mutations import WEIGHTS, small_model, training
from tests.helpers.trainings import assert_same
from vitpose_plus.checkpoints import reading, writing
from vitpose_plus.checkpoints.file_conversion import convert_file
from vitpose_plus.checkpoints.naming import own_names
from vitpose_plus.errors import UserError

AVERAGED = {name: value + 1 for name, value in WEIGHTS.items()}


def prefixed(prefix, state=WEIGHTS):
    return {prefix + name: value for name, value in state.items()}


CONTENTS = {
    'bare': WEIGHTS,
    'of a training': training(WEIGHTS),
    'DDP': dict(state_dict=prefixed('module.')),
    'DDP, bare': prefixed('module.'),
    'compiled': dict(model=prefixed('_orig_mod.')),
    'compiled in DDP': dict(state_dict=prefixed('module._orig_mod.')),
    'compiled backbone': {
        name.replace('backbone.', 'backbone._orig_mod.'): value for name, value in WEIGHTS.items()
    },
    'Lightning': dict(state_dict=prefixed('model.'), epoch=3),
    'a chain': prefixed('model.module._orig_mod.'),
    'model': dict(model=WEIGHTS, epoch=3),
    'module': dict(module=WEIGHTS),
    'one in the other': dict(model=dict(state_dict=prefixed('model.'))),
    'averaged': dict(state_dict=WEIGHTS, ema_state_dict=prefixed('module.', AVERAGED)),
    'only averaged': dict(
        ema_state_dict={'steps': torch.tensor(3), **prefixed('module.')}, message='x'
    ),
}


@pytest.mark.parametrize('name', CONTENTS)
def test_all_wrappers_and_prefixes_give_the_same_weights(name, tmp_path):
    path = str(tmp_path / 'w.pth')
    torch.save(CONTENTS[name], path)
    assert_same(dict(reading.read(path)), dict(WEIGHTS), name)
    model = small_model()
    nn.init.zeros_(model.backbone.weight)
    load_checkpoint(model, path, strict=True, logger='silent')
    assert_same(model.state_dict(), dict(WEIGHTS), name)
    part = _load_checkpoint_with_prefix('backbone.', path)
    assert_same(part, {k: WEIGHTS[f'backbone.{k}'] for k in ('weight', 'bias')}, name)


@pytest.mark.parametrize('prefix', ['module.', 'model.', 'module.model._orig_mod.'])
@pytest.mark.parametrize(
    'names',
    [
        ('cls_token', 'blocks.0.attn.qkv.bias', 'norm.weight'),
        ('encoder.blocks.0.attn.qkv.bias', 'decoder_pred.bias'),
        ('backbone.blocks.0.attn.qkv.weight', 'keypoint_head.final_layer.bias'),
    ],
    ids=['MAE', 'encoder', 'official'],
)
def test_prefixes_are_removed_in_every_layout(names, prefix):
    assert own_names([prefix + name for name in names])[1] == {prefix + n: n for n in names}


def test_other_entries_of_a_file_are_unchanged(tmp_path):
    own = dict(samples_done=7, rank_buffers={'head.1.running_mean': [torch.ones(5)]})
    content = {**training(prefixed('module.')), **own, 'ema_state_dict': prefixed('module.')}
    torch.save(content, tmp_path / 'w.pth')
    loaded = CheckpointLoader.load_checkpoint(str(tmp_path / 'w.pth'), logger='silent')
    assert loaded.keys() == content.keys()
    assert_same(dict(loaded.pop('state_dict')), dict(WEIGHTS), 'weights')
    loaded['meta'].pop('dataset_meta'), content['meta'].pop('dataset_meta')
    assert_same(loaded, {k: v for k, v in content.items() if k != 'state_dict'}, 'others')


def test_versions_of_modules_go_with_their_names(tmp_path):
    """mmpose's heads rename keys of files with an old version."""
    model = nn.ModuleDict(dict(module=small_model()))
    torch.save(model.state_dict(), tmp_path / 'w.pth')
    assert reading.read(tmp_path / 'w.pth')._metadata == WEIGHTS._metadata
    assert WEIGHTS._metadata['head.1'] == dict(version=2)


def test_a_part_called_model_is_no_wrapper(tmp_path):
    """A model with one part of this name: its own checkpoints fit it."""
    model = nn.ModuleDict(dict(model=nn.Linear(3, 2)))
    torch.save(model.state_dict(), tmp_path / 'w.pth')
    assert set(reading.read(tmp_path / 'w.pth')) == {'model.weight', 'model.bias'}


def test_an_averaged_model_of_mmengine_is_read(tmp_path):
    averaged = ExponentialMovingAverage(small_model())
    torch.save(dict(ema_state_dict=averaged.state_dict()), tmp_path / 'w.pth')
    assert_same(
        dict(reading.read(tmp_path / 'w.pth')), dict(averaged.module.state_dict()), 'averaged'
    )


@pytest.mark.parametrize('prefix', ['module.', '_orig_mod.', 'model.'])
def test_mixed_prefixes_are_refused_by_mmengine_too(prefix, tmp_path):
    torch.save({**WEIGHTS, **prefixed(prefix)}, tmp_path / 'w.pth')
    with pytest.raises(UserError, match=f'has keys with and without the prefix "{prefix}": keep'):
        load_checkpoint(small_model(), str(tmp_path / 'w.pth'), logger='silent')


def test_writing_a_file_again_does_not_change_loaded_weights(tmp_path):
    """Files are not mapped, since mmengine's own hook writes in place."""
    path = tmp_path / 'w.pth'
    torch.save(WEIGHTS, path)
    loaded = CheckpointLoader.load_checkpoint(str(path), logger='silent')['state_dict']
    path.write_bytes(bytes(path.stat().st_size))
    assert_same(dict(loaded), dict(WEIGHTS), 'loaded')


def test_the_metainfo_of_every_dataset_of_mmpose_is_loaded_as_data(tmp_path):
    folder = Path(mmpose.__file__).parent / '.mim' / 'configs' / '_base_' / 'datasets'
    infos = {
        file.name: parse_pose_metainfo(dict(from_file=str(file))) for file in folder.glob('*.py')
    }
    assert len(infos) > 30
    content = training(WEIGHTS)
    content['meta']['dataset_meta'] = infos
    torch.save(content, tmp_path / 'w.pth')
    loaded = reading.read_whole(tmp_path / 'w.pth')['meta']['dataset_meta']
    np.testing.assert_equal(loaded, infos)


def test_convert_refuses_weights_that_were_cast_to_integers(tiny_config):
    state = MODELS.build(tiny_config.model).state_dict()
    state['backbone.norm.weight'] = state['backbone.norm.weight'].long()
    writing.write('cast.pth', state)
    with pytest.raises(
        UserError, match=r"has 'backbone\.norm\.weight' in int64, but models need floating"
    ):
        convert_file('cast.pth', 'out.pth', None, 'vitpose_plus', None, None, False)
    assert not Path('out.pth').exists()
