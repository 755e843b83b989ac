"""Parts of the tiny figures model: a ViTPose+ with some of its datasets, and its heatmaps."""

from dataclasses import replace

import torch
from mmengine.config import Config
from mmpose.registry import MODELS
from mmpose.structures import PoseDataSample

from tests.helpers.demo import TINY
from tests.helpers.tiny_figures import FILE
from vitpose_plus.checkpoints import reading
from vitpose_plus.checkpoints.experts import is_expert
from vitpose_plus.checkpoints.layouts.heads import NAMES, own_prefix
from vitpose_plus.experiments.catalogue import read_config
from vitpose_plus.experiments.splitting import is_of
from vitpose_plus.models.dataset_names import to_tensor


def six():
    """The weights and the config of the tiny figures model."""
    return reading.read(FILE), read_config(TINY)


def kept(state, cfg, names):
    """Weights and config of a ViTPose+ that has only these of its datasets."""
    cfg = Config(cfg.to_dict())
    before = [head['dataset'] for head in cfg.model.head.heads]
    index = [before.index(name) for name in names]
    cfg.model.backbone.ffn.num_experts = len(index)
    cfg.model.head.heads = [cfg.model.head.heads[i] for i in index]
    for split in ('train', 'val', 'test'):
        data = cfg[f'{split}_dataloader'].dataset
        data.datasets = [part for name in names for part in data.datasets if is_of(part, name)]
    for evaluator in (cfg.val_evaluator, cfg.test_evaluator):
        evaluator.metrics = [m for name in names for m in evaluator.metrics if m.dataset == name]
    gone = tuple(own_prefix(name) for name in before if name not in names)
    left = {k: v[index] if is_expert(k) else v for k, v in state.items() if not k.startswith(gone)}
    return {**left, NAMES: to_tensor(names)}, cfg


def renamed(part, name):
    """The part as one of another dataset."""
    return replace(part, settings=replace(part.settings, dataset=name))


def built(state, cfg):
    """The model in evaluation mode."""
    model = MODELS.build(cfg.model).eval()
    model.load_state_dict(state)
    return model


@torch.no_grad()
def heatmaps(model, names):
    """The heatmaps of one batch, with one random crop for each name."""
    images = torch.randn(len(names), 3, 256, 192, generator=torch.Generator().manual_seed(1))
    samples = [PoseDataSample(metainfo=dict(dataset_name=name)) for name in names]
    return model._forward(images, samples)
