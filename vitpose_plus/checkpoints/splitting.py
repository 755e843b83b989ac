"""Between one model for all datasets and one for each: ``split``, and its reverse, ``expand``."""

import inspect

from mmengine.config import Config
from mmengine.model import initialize
from mmengine.runner import Runner
from mmpose.registry import MODELS
from torch import nn

from vitpose_plus.checkpoints.guard import check_fit
from vitpose_plus.checkpoints.layouts.heads import has_head
from vitpose_plus.checkpoints.layouts.layout import State
from vitpose_plus.datasets.multi_dataset import plain_datasets, unread
from vitpose_plus.errors import UserError
from vitpose_plus.models.ffn import SharedFFN
from vitpose_plus.shipped import build_on_meta

# What a runner reads of a config, but for where this run began and goes; the rest only led to it.
RUN = {'work_dir', 'load_from', 'resume', 'launcher', 'cfg', 'experiment_name'}
KEPT = set(inspect.signature(Runner).parameters) - RUN | {
    'auto_scale_lr',
    'custom_imports',
    'model_wrapper_cfg',
    'vis_backends',
}


def split(state_dict: State, cfg: Config, dataset: str) -> tuple[State, Config]:
    """One dataset's model out of a multi-dataset one: folded FFNs, one head, no other trace.

    Args:
        state_dict: The weights of ``cfg.model``, in our layout.
        cfg: The config of a ``MultiDatasetTopdown``.
        dataset: The name of one of its heads.

    Returns:
        Weights and config of a stock ``TopdownPoseEstimator`` with the dataset's data, decoder and
        test settings. Its outputs are those of the whole model, to rounding.
    """
    index = _index(cfg, dataset)
    model = _load(state_dict, cfg)
    for layer in model.backbone.layers:
        layer.ffn = layer.ffn.fold(index)
    plain_cfg = split_config(cfg, dataset)
    plain = {k: v for k, v in model.state_dict().items() if not k.startswith('head.')}
    head = model.head.heads[dataset].state_dict()
    plain |= {f'head.{name}': value for name, value in head.items()}
    check_fit(plain, build_on_meta(plain_cfg.model), 'The split checkpoint')
    return plain, plain_cfg


def expand(state_dict: State, cfg: Config, dataset: str | None = None) -> State:
    """A plain model as the start of a multi-dataset one: the same function for every dataset.

    Args:
        state_dict: The weights of a plain model, or of a backbone only, in our layout.
        cfg: The config of a ``MultiDatasetTopdown``.
        dataset: Whose head the plain model has. The heads of the others start at random.

    Returns:
        The weights of ``cfg.model``; without a head if ``state_dict`` has none.
    """
    if has_head(state_dict):
        _index(cfg, dataset)
    model = MODELS.build(cfg.model)
    for head in model.head.heads.values():
        initialize(head, head.init_cfg)
    plain = MODELS.build(_without_experts(cfg.model.backbone))
    dense = {k: v for k, v in state_dict.items() if not k.startswith('head.')}
    parent = nn.ModuleDict(dict(backbone=plain))
    check_fit(dense, parent, 'The plain checkpoint')
    parent.load_state_dict(dense)
    for wide, narrow in zip(model.backbone.layers, plain.layers, strict=True):
        wide.ffn.load_shared(narrow.ffn)
        narrow.ffn = wide.ffn
    if not has_head(state_dict):
        return parent.state_dict()
    model.backbone = plain
    head = {
        k.replace('head.', f'head.heads.{dataset}.', 1): v
        for k, v in state_dict.items()
        if k.startswith('head.')
    }
    expanded = model.state_dict() | head
    check_fit(expanded, model, 'The plain checkpoint')
    return expanded


def _without_experts(backbone: dict) -> dict:
    """A backbone with plain FFNs: its own, whose width may be unusual, if it has no experts."""
    ffn = backbone.get('ffn', {})
    return {k: v for k, v in backbone.items() if k != 'ffn' or 'num_experts' not in ffn}


def split_config(cfg: Config, dataset: str) -> Config:
    """The config of a plain model for one dataset of a multi-dataset config.

    A loader that has no such dataset, and its evaluator, are left out.
    """
    index = _index(cfg, dataset)
    head = cfg.model.head.heads[index]
    plain = {key: value for key, value in cfg.to_dict().items() if key in KEPT}
    model = plain['model']
    model['type'] = 'TopdownPoseEstimator'
    folded = _folded(model['backbone'], index)
    for experts_or_start in ('ffn', 'init_cfg'):
        model['backbone'].pop(experts_or_start, None)
    model['backbone'] |= folded
    model['head'] = dict(
        model['head']['head'], out_channels=head['num_keypoints'], decoder=head['codec']
    )
    model['test_cfg'] = {**model.get('test_cfg', {}), **head.get('test_cfg', {})}
    for split_name in ('train', 'val', 'test'):
        _keep_dataset(plain, split_name, dataset)
    return Config(plain)


def _folded(backbone: dict, index: int) -> dict:
    """What a plain backbone says of its FFNs: their hidden width, if it is not the usual one."""
    fc1 = build_on_meta(backbone).layers[0].ffn.fold(index).fc1
    if fc1.out_features == SharedFFN(fc1.in_features).fc1.out_features:
        return {}
    return dict(ffn=dict(type='SharedFFN', hidden_dim=fc1.out_features))


def _keep_dataset(plain: dict, split_name: str, dataset: str) -> None:
    """Makes a split's loader and evaluator those of the dataset, or takes the split away."""
    loader = plain.get(f'{split_name}_dataloader') or {}
    parts = plain_datasets(loader.get('dataset') or {})
    parts = [part for part in parts if unread(part).metainfo['dataset_name'] == dataset]
    evaluator = plain.get(f'{split_name}_evaluator') or {}
    metrics = [dict(m) for m in evaluator.get('metrics', ()) if m['dataset'] == dataset]
    if not parts or (split_name != 'train' and not metrics):
        for part in ('dataloader', 'evaluator', 'cfg'):
            plain.pop(f'{split_name}_{part}', None)
        return
    loader['dataset'] = parts[0]
    if metrics:
        metrics = [dict(metric, prefix=metric.pop('dataset')) for metric in metrics]
        plain[f'{split_name}_evaluator'] = metrics


def _load(state_dict: State, cfg: Config) -> nn.Module:
    model = MODELS.build(cfg.model)
    check_fit(state_dict, model)
    model.load_state_dict(state_dict)
    return model


def _index(cfg: Config, dataset: str | None) -> int:
    """The dataset's expert; a ``UserError`` if the config is not of several, or has not this."""
    names = [head['dataset'] for head in cfg.model.head.get('heads', [])]
    if dataset is None and names:
        raise UserError(
            f'It has a head: name the dataset that it is for (--dataset), of {", ".join(names)}.'
        )
    if dataset not in names:
        known = f'it has heads for {", ".join(names)}' if names else 'it is of one dataset only'
        raise UserError(f'The config has no head for the dataset {dataset!r}: {known}.')
    return names.index(dataset)
