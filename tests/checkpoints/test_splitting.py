"""A split model computes what the six-dataset model computes for its dataset."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmpose.registry import DATASETS, MODELS

from tests.helpers.comparing import assert_same
from vitpose_plus.checkpoints import writing
from vitpose_plus.checkpoints.splitting import expand, split
from vitpose_plus.commands import main
from vitpose_plus.experiments.splitting import split_config

SIX = ['coco', 'aic', 'mpii', 'ap10k', 'apt36k', 'coco_wholebody']


KINDS = [
    dict(type='SharedFFN'),
    dict(type='IndividualFFN', num_experts=6),
    dict(type='IndividualSharedFFN', num_experts=6),
    dict(type='PartiallySharedFFN', num_experts=6, expert_dim=48),
]


def built(cfg):
    """The model of a config; values that start too small are replaced, so that they count."""
    model = MODELS.build(cfg.model)
    for name, value in model.state_dict().items():  # heads start at 0.001 and norms at 1
        if value.is_floating_point() and ('head' in name or 'norm' in name):
            value.copy_(torch.rand_like(value) * 0.2 + 0.1)
        elif 'rel_pos' in name:
            value.copy_(torch.randn_like(value) * 0.1)
    return model.eval()


@pytest.fixture
def six(tiny_config):
    return built(tiny_config)


@pytest.fixture(params=KINDS, ids=lambda ffn: ffn['type'])
def kind(request, tiny_config):
    """The config with another kind of FFN, and windows."""
    tiny_config.model.backbone.ffn = dict(request.param)
    tiny_config.model.backbone.attention = [
        dict(type='WindowAttention', window_hw=(4, 4)),
        dict(type='ShiftedPoolingWindowAttention', window_hw=(4, 4)),
    ]
    return tiny_config


@pytest.mark.parametrize('dataset', SIX)
def test_heatmaps_of_the_split_model(dataset, six, tiny_config):
    check_heatmaps(dataset, six, tiny_config)


@torch.no_grad()
def check_heatmaps(dataset, six, tiny_config):
    """Compares the heatmaps of both, with the flip test and the test settings."""
    state, cfg = split(six.state_dict(), tiny_config, dataset)
    plain = MODELS.build(cfg.model).eval()
    plain.load_state_dict(state)
    assert type(plain).__name__ == 'TopdownPoseEstimator'
    samples = DATASETS.build(cfg.test_dataloader.dataset)
    batch = pseudo_collate([samples[0], samples[1]])
    heatmaps = []
    for model in (six, plain):
        model.test_cfg.update(output_heatmaps=True)
        data = model.data_preprocessor(batch)
        results = model.predict(**data)
        heatmaps.append(torch.stack([sample.pred_fields.heatmaps for sample in results]))
    assert heatmaps[0].std() > 0.01
    assert_same(*heatmaps)


def test_heatmaps_of_every_kind(kind):
    check_heatmaps('ap10k', built(kind), kind)


def test_an_unusual_width_of_folded_ffns_is_set_in_the_config(kind):
    """Only IS-FFN has one: it folds to twice the width."""
    ffn = split_config(kind, 'mpii').model.backbone.get('ffn')
    wide = kind.model.backbone.ffn.type == 'IndividualSharedFFN'
    assert ffn == (dict(type='SharedFFN', hidden_dim=1024) if wide else None)


def test_every_kind_starts_as_the_plain_model(kind):
    """Expanded and split again, it gives the same heatmaps; IS-FFN then has twice the width."""
    start = split_config(kind, 'coco')
    start.model.backbone.pop('ffn', None)
    plain = built(start)
    wide = expand(plain.state_dict(), kind, 'coco')
    back, cfg = split(wide, kind, 'coco')
    images = torch.randn(2, 3, 256, 192)
    heatmaps = []
    for state, config in ((plain.state_dict(), start), (back, cfg)):
        model = MODELS.build(config.model).eval()
        model.load_state_dict(state)
        heatmaps.append(model(images, None, mode='tensor'))
    assert heatmaps[0].std() > 0.01
    assert_same(*heatmaps)


def test_ffns_of_twice_the_width_do_not_become_experts(tiny_config):
    tiny_config.model.backbone.ffn = dict(type='IndividualSharedFFN', num_experts=6)
    plain, _ = split(built(tiny_config).state_dict(), tiny_config, 'coco')
    message = r"has 'backbone\.layers\.0\.ffn\.fc1\.weight' in shape \(1024, 128\) where .*512"
    with pytest.raises(ValueError, match=message):
        expand(plain, tiny_config, 'coco')


def test_plain_ffns_of_another_width_are_expanded_as_they_are(tiny_config):
    """ViTPose-G has such FFNs: several datasets without experts."""
    tiny_config.model.backbone.ffn = dict(type='SharedFFN', hidden_dim=192)
    plain, _ = split(built(tiny_config).state_dict(), tiny_config, 'coco')
    back, _ = split(expand(plain, tiny_config, 'coco'), tiny_config, 'coco')
    assert plain['backbone.layers.0.ffn.fc1.weight'].shape == (192, 128)
    assert set(back) == set(plain)
    assert all(torch.equal(back[name], value) for name, value in plain.items())


def test_nothing_of_the_other_datasets_is_left(six, tiny_config):
    state, cfg = split(six.state_dict(), tiny_config, 'mpii')
    assert not any('expert' in key or 'heads' in key for key in state)
    text = cfg.pretty_text
    assert not any(word in text for word in ('expert', 'MultiDataset', 'aic', 'coco', 'ap10k'))
    plain = MODELS.build(cfg.model)
    assert sum(p.numel() for p in plain.parameters()) < sum(p.numel() for p in six.parameters())


def test_the_files_of_the_command_work_with_test_and_train(six, tiny_config, workplace):
    tiny_config.dump('six.py')
    writing.write('six.pth', six.state_dict())
    main(['split', 'six.pth', 'mpii', 'mpii.pth', '--config', 'six.py'])
    main(['test', 'mpii.py', 'mpii.pth', '--out', 'plain.json', '--work-dir', 'test'])
    assert 'mpii/PCK' in Config.fromfile('plain.json')
    quick = ['train_cfg.max_epochs=1', 'train_dataloader.batch_size=3']
    main(['train', 'mpii.py', '--work-dir', 'train', '--no-validate', '--cfg-options', *quick])


@pytest.mark.parametrize(('dataset', 'kind'), [('ap10k', 'AP10KDataset'), ('aic', 'AicDataset')])
def test_mmpose_s_inferencers_run_the_plain_config(dataset, kind, tiny_config):
    cfg = split_config(tiny_config, dataset)
    assert (cfg.data_mode, cfg.dataset_type) == ('topdown', kind)


def test_the_start_of_the_six_dataset_training_is_removed(tiny_config):
    """The config is dumped by a training; the split model must not write into its work_dir."""
    tiny_config.merge_from_dict(
        dict(
            work_dir='work_dirs/six',
            load_from='start.pth',
            resume=True,
            launcher='none',
            model=dict(backbone=dict(init_cfg=dict(type='Pretrained', checkpoint='experts.pth'))),
        )
    )
    text = split_config(tiny_config, 'aic').pretty_text
    for word in ('work_dirs/six', 'start.pth', 'resume', 'launcher', 'experts.pth', 'decoder ='):
        assert word not in text


def test_a_loader_without_the_dataset_is_left_out_with_its_evaluator(tiny_config):
    del tiny_config.val_dataloader.dataset.datasets[1]  # aic
    tiny_config.test_dataloader = tiny_config.test_evaluator = tiny_config.test_cfg = None
    wrapped = dict(type='RepeatDataset', times=2, dataset=tiny_config.train_dataloader.dataset)
    tiny_config.train_dataloader = dict(tiny_config.train_dataloader, dataset=wrapped)
    plain = split_config(tiny_config, 'aic')
    assert plain.train_dataloader.dataset.type == 'AicDataset'
    for name in ('val', 'test'):
        assert not {f'{name}_dataloader', f'{name}_evaluator', f'{name}_cfg'} & set(plain)
    assert split_config(tiny_config, 'mpii').val_evaluator[0].prefix == 'mpii'


@pytest.mark.parametrize('dataset', ['coco', 'apt36k'])  # both have 17 keypoints
def test_split_undoes_expand(dataset, six, tiny_config):
    plain, _ = split(six.state_dict(), tiny_config, 'coco')
    wide = expand(plain, tiny_config, dataset)
    experts = wide['backbone.layers.0.ffn.experts.weight']
    assert all(torch.equal(expert, experts[0]) for expert in experts)
    back, _ = split(wide, tiny_config, dataset)
    assert set(back) == set(plain)
    assert all(torch.equal(back[name], value) for name, value in plain.items())


def test_the_head_must_fit_the_dataset(six, tiny_config):
    plain, _ = split(six.state_dict(), tiny_config, 'coco')
    with pytest.raises(ValueError, match=r'plain checkpoint .* has .*heads\.mpii.* in shape'):
        expand(plain, tiny_config, 'mpii')


def test_an_expanded_backbone_has_no_head(six, tiny_config):
    plain, _ = split(six.state_dict(), tiny_config, 'aic')
    backbone = {k: v for k, v in plain.items() if k.startswith('backbone.')}
    wide = expand(backbone, tiny_config)
    assert set(wide) == {k for k in six.state_dict() if k.startswith('backbone.')}


@pytest.mark.parametrize(
    ('command', 'message'),
    [
        (['split', 'six.pth', 'zebra', 'x.pth'], "no head for the dataset 'zebra': it has heads "),
        (['split', 'no.pth', 'coco', 'x.pth'], 'no.pth does not exist: check its path'),
        (['split', 'six.pth', 'coco', 'six.pth'], 'six.pth exists: give another name, or replace'),
        (['split', 'six.pth', 'coco', 'six2.pth'], 'six2.py exists: give another name, or replac'),
        (['split', 'plain.pth', 'coco', 'x.pth'], 'plain.pth: The checkpoint belongs to another'),
        (
            ['split', 'six.pth', 'coco', 'x.py'],
            'x.py is the name of the config that is written beside OUT: give OUT',
        ),
        (
            ['split', 'six.pth', 'coco', './x.py'],
            'x.py is the name of the config that is written beside OUT: give OUT',
        ),
        (['split', 'six.pth', 'coco', 'six'], 'six is a folder: give the name of a file'),
        (['expand', 'plain.pth', 'x.pth'], 'plain.pth: The checkpoint has a head: give the '),
        (
            ['expand', 'six.pth', 'x.pth', '--dataset', 'coco'],
            'six.pth: It is for a model of several datasets, but this model is plain: take one',
        ),
    ],
)
def test_bad_input(command, message, six, tiny_config, workplace, capsys):
    tiny_config.dump('six.py')
    tiny_config.dump('six2.py')
    writing.write('six.pth', six.state_dict())
    writing.write('plain.pth', split(six.state_dict(), tiny_config, 'coco')[0])
    Path('six').mkdir()
    before = sorted(workplace.rglob('*'))
    with pytest.raises(SystemExit) as stop:
        main([*command, '--config', 'six.py'])
    assert stop.value.code == 2
    error = capsys.readouterr().err.strip()
    assert message in error, error
    assert error.count('\n') == 0
    assert sorted(workplace.rglob('*')) == before
