"""Every shipped config builds, and its sizes agree with each other."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmpose.registry import DATASETS, MODELS

from vitpose_plus.models.vit import find_arch

ROOT = Path(__file__).parents[1] / 'configs'
EXPERIMENTS = [p for p in sorted(ROOT.rglob('*.py')) if p.parent.name not in ('_base_', 'datasets')]

# Millions of parameters with all heads, from the published widths and depths.
PARAMETERS = {
    'vitpose-small_coco-256x192': 24.3,
    'vitpose-base_coco-256x192': 90.0,
    'vitpose-large_coco-256x192': 308.5,
    'vitpose-huge_coco-256x192': 637.2,
    'vitpose-plus-small_six-datasets-256x192': 46.3,
    'vitpose-plus-base_six-datasets-256x192': 146.4,
    'vitpose-plus-large_six-datasets-256x192': 460.7,
    'vitpose-plus-huge_six-datasets-256x192': 930.9,
}


def heads_of(cfg):
    """What every head is for: dataset or None, keypoints, codec."""
    head = cfg.model.head
    if 'heads' in head:
        return [(h.dataset, h.num_keypoints, h.codec) for h in head.heads]
    return [(None, head.out_channels, head.decoder)]


@pytest.mark.parametrize('path', EXPERIMENTS, ids=lambda path: path.stem)
def test_builds_and_agrees_with_itself(path):
    cfg = Config.fromfile(path)
    backbone, heads = cfg.model.backbone, heads_of(cfg)
    depth, dim, _ = find_arch(backbone.arch)
    assert cfg.model.head.get('head', cfg.model.head).in_channels == dim
    assert cfg.optim_wrapper.paramwise_cfg.num_layers == depth
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
    for split in ('train', 'val', 'test'):
        dataset = cfg[f'{split}_dataloader'].dataset
        parts = dataset.get('datasets', [dataset])
        for (name, num_keypoints, codec), part in zip(heads, parts, strict=True):
            metainfo = DATASETS.build(dict(part, lazy_init=True, pipeline=[])).metainfo
            assert metainfo['dataset_name'] == name or name is None
            assert metainfo['num_keypoints'] == num_keypoints
            w, h = codec.input_size
            assert (h, w) == tuple(backbone.input_hw)
            assert (w // 4, h // 4) == tuple(codec.heatmap_size)
    if path.stem in PARAMETERS:
        count = sum(parameter.numel() for parameter in model.parameters())
        assert count / 1e6 == pytest.approx(PARAMETERS[path.stem], abs=0.05)


@pytest.mark.parametrize(
    'path', [p for p in EXPERIMENTS if 'plus' in p.stem], ids=lambda path: path.stem
)
def test_heads_experts_and_metrics_are_the_datasets(path):
    cfg = Config.fromfile(path)
    names = list(cfg.datasets)
    assert [name for name, _, _ in heads_of(cfg)] == names
    assert cfg.model.backbone.ffn.num_experts == len(names)
    assert [metric.dataset for metric in cfg.val_evaluator.metrics] == names


@pytest.mark.parametrize('path', EXPERIMENTS, ids=lambda path: path.stem)
def test_a_dumped_config_keeps_the_order_of_the_experts(path, tmp_path):
    cfg = Config.fromfile(path)
    cfg.dump(tmp_path / 'dumped.py')
    dumped = Config.fromfile(tmp_path / 'dumped.py')
    assert dumped.model == cfg.model
    assert dumped.train_dataloader == cfg.train_dataloader
    assert dumped.val_evaluator == cfg.val_evaluator


@pytest.mark.parametrize('path', EXPERIMENTS, ids=lambda path: path.stem)
def test_learning_rates_decay_layer_by_layer(path):
    """The optimiser's groups: position and patches slowest, last norm and heads at the full rate,
    experts at the rate of their layer, no decay of weights for biases, norms and positions."""
    cfg = Config.fromfile(path)
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
    optimizer = build_optim_wrapper(model, cfg.optim_wrapper).optimizer
    depth, _, _ = find_arch(cfg.model.backbone.arch)
    rate = cfg.optim_wrapper.paramwise_cfg.layer_decay_rate
    parameters = dict(model.named_parameters())
    scales = {}
    for group in optimizer.param_groups:
        for name in group['param_names']:
            scales[name] = group['lr'] / cfg.optim_wrapper.optimizer.lr
            plain = parameters[name].ndim == 1 or name.endswith(('bias', 'pos_embed'))
            assert group['weight_decay'] == (
                0 if plain else cfg.optim_wrapper.optimizer.weight_decay
            )
    assert set(scales) == set(parameters)
    assert scales['backbone.pos_embed'] == pytest.approx(rate ** (depth + 1))
    assert scales['backbone.patch_embed.weight'] == pytest.approx(rate ** (depth + 1))
    for layer in range(depth):
        parts = [name for name in scales if name.startswith(f'backbone.layers.{layer}.')]
        assert len(parts) == (14 if 'plus' in path.stem else 12)
        assert all(scales[name] == pytest.approx(rate ** (depth - layer)) for name in parts)
    assert scales['backbone.norm.weight'] == 1
    assert all(scale == 1 for name, scale in scales.items() if name.startswith('head.'))
