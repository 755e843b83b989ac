"""Every included config builds a model, and its settings agree with each other."""

import ast
import contextlib
import functools
import inspect
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmpose.registry import DATASETS

from vitpose_plus import experiments
from vitpose_plus.checkpoints import matching
from vitpose_plus.datasets.multi_dataset import plain_datasets, unread
from vitpose_plus.engine import settings
from vitpose_plus.models.archs import find_arch
from vitpose_plus.models.building import build_on_meta, deployment_config

ROOT = Path(__file__).parents[1] / 'configs'
EXPERIMENTS = [p for p in sorted(ROOT.rglob('*.py')) if p.parent.name not in ('_base_', 'datasets')]


# Groups of configs by their names; `test_names_match_the_contents_of_configs` checks them.
POSES = [p for p in EXPERIMENTS if p.parent.name != 'mae']  # those with a head
JOINT = [p for p in POSES if any(n in p.stem for n in ('six-datasets', 'coco-aic', 'plus-tiny'))]
PLAIN_ADAM = [p for p in EXPERIMENTS if p.parent.name in ('mae', 'resnet') or 'interhand' in p.stem]
WITH_DECAY = [p for p in EXPERIMENTS if p not in PLAIN_ADAM]  # the learning rate decreases by layer
TEST_ONLY = [p for p in POSES if '_ochuman-' in p.stem]


KNOWN_SHAPES = dict(matching.known_shapes())


def over(paths):
    return pytest.mark.parametrize('path', paths, ids=lambda path: path.stem)


@functools.cache
def load(path):
    """Reads a config once; tests must not change it."""
    return Config.fromfile(path, format_python_code=False)


@functools.cache
def build(path):
    """Builds the model for inference, on the meta device: its weights use no memory."""
    return build_on_meta(deployment_config(load(path).model)).eval()


# Millions of parameters with all heads, from the published widths and depths.
PARAMETERS = {
    'vitpose-small_coco-256x192': 24.3,
    'vitpose-base_coco-256x192': 90.0,
    'vitpose-large_coco-256x192': 308.5,
    'vitpose-huge_coco-256x192': 637.2,
    'vitpose-vitae-base_coco-256x192': 92.8,
    'vitpose-vitae-large_coco-256x192': 315.9,
    'vitpose-vitae-huge_coco-256x192': 649.5,
    'vitpose-giant_coco-576x432': 1036.2,
    'vitpose-base_coco-aic-mpii-256x192': 98.4,
    'vitpose-base_six-datasets-256x192': 111.0,
    'vitpose-plus-base-individual_six-datasets-256x192': 394.4,
    'vitpose-plus-base-individual-shared_six-datasets-256x192': 451.0,
    'vitpose-plus-base-expert96_six-datasets-256x192': 128.7,
    'vitpose-plus-base-expert384_six-datasets-256x192': 181.8,
    'vitpose-plus-small_six-datasets-256x192': 46.3,
    'vitpose-plus-base_six-datasets-256x192': 146.4,
    'vitpose-plus-large_six-datasets-256x192': 460.7,
    'vitpose-plus-huge_six-datasets-256x192': 930.9,
}


def heads_of(cfg):
    """Returns dataset or None, number of keypoints, and codec of each head."""
    head = cfg.model.head
    if 'heads' in head:
        return [(h.dataset, h.num_keypoints, h.codec) for h in head.heads]
    return [(None, head.get('num_keypoints', head.get('out_channels')), head.decoder)]


@over(EXPERIMENTS)
def test_names_match_the_contents_of_configs(path):
    """So each group above contains all of its configs, and each test below runs on all of them."""
    cfg = load(path)
    assert ('head' in cfg.model) == (path in POSES)
    assert ('heads' in cfg.model.get('head', {})) == (path in JOINT)
    assert ('constructor' in cfg.optim_wrapper) == (path in WITH_DECAY)
    assert (not cfg.train_dataloader.dataset) == (path in TEST_ONLY)


@over(POSES)
def test_a_config_builds_and_its_sizes_agree(path):
    cfg = load(path)
    backbone, heads = cfg.model.backbone, heads_of(cfg)
    if path.parent.name != 'resnet':
        _, dim, _ = find_arch(backbone.arch)
        assert cfg.model.head.get('head', cfg.model.head).in_channels == dim
    assert build(path).head is not None
    for split in ('val', 'test') if path in TEST_ONLY else ('train', 'val', 'test'):
        dataset = cfg[f'{split}_dataloader'].dataset
        parts = dataset.get('datasets', [dataset])
        for (name, num_keypoints, codec), part in zip(heads, parts, strict=True):
            metainfo = unread(part).metainfo
            assert metainfo['dataset_name'] == name or name is None
            assert metainfo['num_keypoints'] == num_keypoints
            w, h = codec.input_size
            assert path.stem.endswith(f'-{h}x{w}')
            assert (h, w) == tuple(backbone.get('input_hw', (h, w)))
            assert (w // 4, h // 4) == tuple(codec.heatmap_size)


@over([path for path in POSES if path.parent.name not in matching.OTHERS])
def test_the_table_of_shapes_is_up_to_date(path):
    """``convert`` reads this table of the models' shapes; ``make shapes`` writes it again."""
    shapes = {name: tuple(value.shape) for name, value in build(path).state_dict().items()}
    assert KNOWN_SHAPES[path.stem] == shapes


def test_the_table_of_shapes_has_only_existing_configs():
    assert set(KNOWN_SHAPES) <= {path.stem for path in POSES}


@pytest.mark.parametrize(('name', 'millions'), PARAMETERS.items())
def test_the_number_of_parameters_matches_the_published_sizes(name, millions):
    [path] = [path for path in POSES if path.stem == name]
    count = sum(parameter.numel() for parameter in build(path).parameters())
    assert count / 1e6 == pytest.approx(millions, abs=0.05)


@over(JOINT)
def test_heads_experts_and_metrics_match_the_datasets(path):
    cfg = load(path)
    names = list(cfg.datasets)
    assert [name for name, _, _ in heads_of(cfg)] == names
    ffn = cfg.model.backbone.get('ffn', dict(type='SharedFFN'))
    assert ffn.get('num_experts') == (None if ffn['type'] == 'SharedFFN' else len(names))
    assert [metric.dataset for metric in cfg.val_evaluator.metrics] == names


# Metrics that return the published number first (test_best_checkpoint.py).
HEADLINES = ('CocoMetric', 'CocoWholeBodyMetric', 'ZeroBasedMpiiPCKAccuracy', 'AUC')


@over(EXPERIMENTS)
def test_every_config_has_the_hooks_of_a_reliable_training(path):
    """docs/reliability.md describes them."""
    cfg = load(path)
    assert cfg.train_cfg.type == 'ExactTrainLoop'
    assert cfg.default_hooks.checkpoint.type == 'WholeCheckpointHook'
    assert cfg.default_hooks.checkpoint.max_keep_ckpts == 2
    assert cfg.default_hooks.finite_steps.type == 'FiniteStepsHook'
    assert cfg.default_hooks.result_hints.type == 'ResultHintsHook'


@over(POSES)
def test_the_best_checkpoint_is_chosen_by_the_main_metric_of_the_first_dataset(path):
    cfg = load(path)
    hook, evaluator = cfg.default_hooks.checkpoint, cfg.val_evaluator
    assert (hook.save_best, hook.rule, hook.max_keep_ckpts) == ('auto', 'greater', 2)
    metrics = [evaluator] if 'prefix' in evaluator else evaluator
    first = (evaluator.metrics if path in JOINT else metrics)[0]
    assert first.type in HEADLINES
    names = [
        unread(part).metainfo['dataset_name'] for part in plain_datasets(cfg.val_dataloader.dataset)
    ]
    assert first.get('dataset', first.get('prefix')) == names[0]


@over(POSES)
@torch.no_grad()
def test_heatmaps_are_a_quarter_of_the_input(path):
    """The decoder upsamples features of any stride to this size."""
    cfg, model = load(path), build(path)
    (w, h), several = heads_of(cfg)[0][2].input_size, path in JOINT
    which = [torch.tensor([0])] if several else []
    feats = model.extract_feat(torch.empty(1, 3, h, w, device='meta'), *which)
    for decoder in model.head.heads.values() if several else [model.head]:
        maps = decoder(feats)
        maps = torch.cat(maps, dim=1) if isinstance(maps, tuple) else maps  # bottom-up: with tags
        assert maps.shape == (1, decoder.out_channels, h // 4, w // 4)


@over([path for path in POSES if path not in JOINT])
def test_configs_have_the_settings_that_mmpose_s_inferencers_read(path):
    """tests/experiments/test_inferencers.py runs the inferencers."""
    cfg = load(path)
    assert cfg.data_mode == ('bottomup' if 'bottomup' in path.stem else 'topdown')
    assert cfg.data_mode == cfg.val_dataloader.dataset.get('data_mode', 'topdown')
    assert cfg.dataset_type == cfg.val_dataloader.dataset.type
    assert DATASETS.get(cfg.dataset_type)


# One config of each kind, because formatting a dump takes seconds.
KINDS = ['vitpose-base_coco-256x192', 'vitpose-plus-base_six-datasets-256x192']


@pytest.mark.parametrize(
    'path', [p for p in EXPERIMENTS if p.stem in KINDS], ids=lambda path: path.stem
)
def test_a_dumped_config_keeps_the_order_of_the_experts(path, tmp_path):
    cfg = load(path)
    cfg.dump(tmp_path / 'dumped.py')
    dumped = Config.fromfile(tmp_path / 'dumped.py')
    assert dumped.model == cfg.model
    assert dumped.train_dataloader == cfg.train_dataloader
    assert dumped.val_evaluator == cfg.val_evaluator


@over(WITH_DECAY)
def test_learning_rates_decay_layer_by_layer(path):
    """Embeddings of positions and patches have the lowest rate, the last norm and the heads the
    highest. Experts and tables of relative positions have the rate of their layer. Biases, norms
    and positions have no weight decay."""
    cfg, model = load(path), build(path)
    optimizer = build_optim_wrapper(model, cfg.optim_wrapper).optimizer
    depth, _, _ = find_arch(cfg.model.backbone.arch)
    assert cfg.optim_wrapper.paramwise_cfg.num_layers == depth
    rate = cfg.optim_wrapper.paramwise_cfg.layer_decay_rate
    parameters = {name: p for name, p in model.named_parameters() if p.requires_grad}
    scales = {}
    for group in optimizer.param_groups:
        for name in group['param_names']:
            scales[name] = group['lr'] / cfg.optim_wrapper.optimizer.lr
            plain = parameters[name].ndim == 1 or name.endswith('bias') or 'pos_embed' in name
            assert group['weight_decay'] == (
                0 if plain else cfg.optim_wrapper.optimizer.weight_decay
            )
    assert set(scales) == set(parameters)
    for name, scale in scales.items():
        if name.startswith(('backbone.pos_embed', 'backbone.patch_embed')):
            assert scale == pytest.approx(rate ** (depth + 1))
        elif name.startswith('backbone.layers.'):
            assert scale == pytest.approx(rate ** (depth - int(name.split('.')[2])))
        else:  # the last norm and the heads
            assert scale == 1


def leaves(node, path=()):
    """Yields paths and constants that a file itself sets: ``a = dict(b=1)`` is (('a', 'b'), 1)."""
    if isinstance(node, ast.Call) and getattr(node.func, 'id', '') == 'dict':
        if any(keyword.arg == '_delete_' for keyword in node.keywords):
            return  # replaces the setting of the base config
        for keyword in node.keywords:
            yield from leaves(keyword.value, (*path, keyword.arg))
    else:
        with contextlib.suppress(ValueError):  # a name or an expression is no constant
            yield path, ast.literal_eval(node)


def own_settings(text):
    """Returns the settings in a file as syntax trees: its assignments, and keywords of its call."""
    own = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            own[node.targets[0].id] = node.value
        elif isinstance(node, ast.Expr) and ast.unparse(node).startswith('globals().update('):
            [call] = node.value.args
            named = inspect.signature(getattr(experiments, call.func.id)).parameters
            own |= {k.arg: k.value for k in call.keywords if k.arg not in named}
    return own


def repeated(own, inherited):
    """Yields the settings that already have the same value in the base configs."""
    for name, node in own.items():
        for keys, value in leaves(node, (name,)):
            known = inherited
            for key in keys:
                known = known.get(key) if isinstance(known, dict | Config) else None
            if known == value and known is not None:
                yield f'{".".join(keys)} is {value!r} already'


@over(EXPERIMENTS)
def test_a_config_repeats_no_setting_of_its_base_configs(path):
    own = own_settings(path.read_text())
    bases = ast.literal_eval(own.pop('_base_'))
    inherited = Config()
    for base in [bases] if isinstance(bases, str) else bases:
        inherited.merge_from_dict(load((path.parent / base).resolve()).to_dict())
    assert not list(repeated(own, inherited))


@pytest.mark.parametrize(
    'text',
    [
        'model = dict(backbone=dict(depth=12))',
        "globals().update(single_dataset_config(_base_, 'a', model=dict(backbone=dict(depth=12))))",
    ],
)
def test_a_repeated_value_is_found(text):
    own = own_settings(text)
    assert list(repeated(own, dict(model=dict(backbone=dict(depth=12)))))
    assert not list(repeated(own, dict(model=dict(backbone=dict(depth=24)))))


@over([path for path in EXPERIMENTS if path.parent.name == 'resnet'])
def test_resnets_have_the_crops_of_simple_baseline(path):
    """Their published numbers are for ``crop='plain'``."""
    assert load(path).model.head.decoder.type == 'BatchedMSRAHeatmap'
    assert load(path).model.test_cfg.shift_heatmap


def test_names_are_unique_and_lower_case():
    """mim finds a config by its file name in lower case."""
    names = [path.name for path in ROOT.rglob('*.py') if path.parent.name not in ('_base_',)]
    assert len(set(names)) == len(names)
    assert all(name == name.lower() for name in names)


@over(EXPERIMENTS)
def test_no_setting_of_a_config_is_misspelt(path):
    splits = [each for each in settings.SPLITS if load(path).get(f'{each}_dataloader')]
    settings.check(load(path), tuple(splits))
