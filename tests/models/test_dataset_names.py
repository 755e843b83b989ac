"""Every name is possible for a dataset: as a module, in keys, in a tensor, in the commands."""

import json
from pathlib import Path

import mmpose
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.model import ModuleDict
from mmpose.registry import DATASETS, MODELS
from mmpose.structures import PoseDataSample
from torch import nn

from vitpose_plus.checkpoints import check_fit, convert, reading, split, writing
from vitpose_plus.checkpoints.converting import keep_dataset
from vitpose_plus.commands import main
from vitpose_plus.distillation.cache import Batch, HeatmapCache, write_cache
from vitpose_plus.evaluation import headlines
from vitpose_plus.models.dataset_names import (
    dataset_name,
    from_tensor,
    module_name,
    to_tensor,
)

ORDINARY = [
    'coco',
    'coco_wholebody',
    'apt-36k',
    'my set',
    '3d',
    'a/b',
    '100%',
    '50% of coco',
    'zèbre',
]
ESCAPED = {'my.set': 'my%2Eset', 'keys': '%6Beys', '.': '%2E', 'my%2Eset': 'my%252Eset'}
THREE = ['my.set', 'keys', 'a/b loss']  # for the pictures of COCO, AIC and AP-10K


@pytest.mark.parametrize('name', [*ORDINARY, *ESCAPED, *dir(ModuleDict())])
def test_every_name_can_be_a_module_name_and_is_restored(name):
    modules = ModuleDict({module_name(name): nn.Linear(1, 1)})
    [key, _] = modules.state_dict()
    part, *rest = key.split('.')
    assert rest == ['weight']
    assert dataset_name(part) == name


def test_only_names_that_torch_refuses_are_escaped():
    assert [module_name(name) for name in ORDINARY] == ORDINARY
    assert {name: module_name(name) for name in ESCAPED} == ESCAPED


@pytest.mark.parametrize(
    'dtype', [torch.uint8, torch.int8, torch.int64, torch.float16, torch.bfloat16, torch.float32]
)
def test_names_survive_every_dtype(dtype):
    names = [*ORDINARY, *ESCAPED, '', '獅子', '"']
    assert from_tensor(to_tensor(names).to(dtype)) == names


@pytest.mark.parametrize('value', [torch.zeros(5), torch.tensor([300]), to_tensor('x')[:2]])
def test_a_tensor_without_a_list_of_names_is_refused(value):
    with pytest.raises(ValueError, match=r'dataset_names cannot be read .*: copy it again, or rem'):
        from_tensor(value)


@pytest.fixture
def cfg(tiny_config):
    """The config of the demo, with three datasets of unusual names."""
    places = [0, 1, 3]
    model, names = tiny_config.model, dict(zip(places, THREE, strict=True))
    model.backbone.ffn.num_experts = 3
    model.head.heads = [dict(model.head.heads[i], dataset=name) for i, name in names.items()]
    for which in ('train', 'val', 'test'):
        sets = tiny_config[f'{which}_dataloader'].dataset
        for i, name in names.items():
            info = DATASETS.build(dict(sets.datasets[i], lazy_init=True)).METAINFO['from_file']
            info = Config.fromfile(find_mmpose(info)).dataset_info
            sets.datasets[i].metainfo = dict(info.to_dict(), dataset_name=name)
        sets.datasets = [sets.datasets[i] for i in places]
    for which in ('val', 'test'):
        metrics = tiny_config[f'{which}_evaluator'].metrics
        kept = [dict(metrics[i], dataset=name) for i, name in names.items()]
        tiny_config[f'{which}_evaluator'].metrics = kept
    tiny_config.datasets = dict.fromkeys(THREE)
    return tiny_config


def find_mmpose(path):
    """A file of mmpose's installed configs."""
    return Path(mmpose.__file__).parent / '.mim' / path


@pytest.fixture
def model(cfg):
    model = MODELS.build(cfg.model)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.1)
    return model.eval()


def test_a_model_with_unusual_names_is_trained_saved_converted_and_split(model, cfg):
    samples = DATASETS.build(cfg.train_dataloader.dataset)
    batch = pseudo_collate([part[0] for part in samples.datasets])
    losses = model.train()(**model.data_preprocessor(batch, True), mode='loss')
    assert set(losses) == {f'{name}.loss_kpt' for name in THREE}
    assert model.parse_losses(losses)[0] == sum(losses.values())

    state = model.state_dict()
    check_fit(state, model)
    MODELS.build(cfg.model).load_state_dict(state)
    away = convert(state, target='official').state_dict
    back = convert(away, model=model).state_dict
    assert set(back) == set(state)
    assert all(torch.equal(back[key], value) for key, value in state.items())
    for name in THREE:
        kept, (plain, _) = keep_dataset(state, name), split(state, cfg, name)
        assert set(kept) == set(plain)
        assert all(torch.equal(kept[key], value) for key, value in plain.items())


def test_the_commands_accept_unusual_names(model, cfg, workplace):
    cfg.dump('three.py')
    writing.write('three.pth', model.state_dict())
    main(['test', 'three.py', 'three.pth', '--out', 'whole.json', '--work-dir', 'test'])
    whole = json.loads(Path('whole.json').read_text())
    assert list(headlines(whole)) == THREE
    for name in THREE:
        main(['split', 'three.pth', name, 'one.pth', '--config', 'three.py', '--force'])
        main(['test', 'one.py', 'one.pth', '--out', 'one.json', '--work-dir', 'test'])
        one = json.loads(Path('one.json').read_text())
        assert one == {key: v for key, v in whole.items() if key.rpartition('/')[0] == name}
    assert 'head.heads.keys.' not in str(list(reading.read('three.pth')))


def test_a_cache_accepts_unusual_names(tmp_path):
    """Without slashes, which would create folders: see tests/distillation/test_cache.py."""
    names = [name.replace('/', ' ') for name in THREE]
    samples = [named(name) for name in names]
    heatmaps = [torch.full((2, 4, 3), float(i)) for i in range(3)]
    inputs = torch.randn(3, 3, 32, 24)
    sizes = dict.fromkeys(names, 1)
    about = dict(teacher='it', sha256='0')
    write_cache(tmp_path / 'cache', about, sizes, [Batch(inputs, samples, heatmaps)])
    found = HeatmapCache(tmp_path / 'cache').look_up(inputs, samples)
    assert all(torch.equal(a.float(), b) for a, b in zip(found, heatmaps, strict=True))


def named(dataset):
    return PoseDataSample(metainfo=dict(dataset_name=dataset, id=7))
