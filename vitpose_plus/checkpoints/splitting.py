"""Between one model for all datasets and one for each: ``split``, and its reverse, ``expand``."""

from mmengine.config import Config
from mmengine.model import initialize
from mmpose.registry import DATASETS, MODELS
from torch import nn

from vitpose_plus.checkpoints.guard import check_fit
from vitpose_plus.checkpoints.layouts.layout import State
from vitpose_plus.errors import UserError
from vitpose_plus.shipped import build_on_meta

EXPERIMENT = ('datasets', 'crops', 'augmentation')  # what a config derives the rest from


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
    """A plain model as the start of a multi-dataset one: all its experts are equal.

    Args:
        state_dict: The weights of a plain model, or of a backbone only, in our layout.
        cfg: The config of a ``MultiDatasetTopdown``.
        dataset: Whose head the plain model has. The heads of the others start at random.

    Returns:
        The weights of ``cfg.model``; without a head if ``state_dict`` has none.
    """
    has_head = any(key.startswith('head.') for key in state_dict)
    if has_head:
        _index(cfg, dataset)
    model = MODELS.build(cfg.model)
    for head in model.head.heads.values():
        initialize(head, head.init_cfg)
    plain = MODELS.build({k: v for k, v in cfg.model.backbone.items() if k != 'ffn'})
    dense = {k: v for k, v in state_dict.items() if not k.startswith('head.')}
    parent = nn.ModuleDict(dict(backbone=plain))
    check_fit(dense, parent, 'The plain checkpoint')
    parent.load_state_dict(dense)
    for wide, narrow in zip(model.backbone.layers, plain.layers, strict=True):
        wide.ffn.load_shared(narrow.ffn)
        narrow.ffn = wide.ffn
    if not has_head:
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


def split_config(cfg: Config, dataset: str) -> Config:
    """The config of a plain model for one dataset of a multi-dataset config."""
    head = cfg.model.head.heads[_index(cfg, dataset)]
    plain = {k: v for k, v in cfg.to_dict().items() if k not in {*EXPERIMENT, *cfg.datasets}}
    model = plain['model']
    model['type'] = 'TopdownPoseEstimator'
    del model['backbone']['ffn']
    model['head'] = dict(
        model['head']['head'], out_channels=head['num_keypoints'], decoder=head['codec']
    )
    model['test_cfg'] = {**model.get('test_cfg', {}), **head.get('test_cfg', {})}
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        parts = plain[loader]['dataset']['datasets']
        plain[loader]['dataset'] = next(part for part in parts if _name(part) == dataset)
    for evaluator in ('val_evaluator', 'test_evaluator'):
        metrics = plain[evaluator]['metrics']
        metric = dict(next(metric for metric in metrics if metric['dataset'] == dataset))
        plain[evaluator] = dict(metric, prefix=metric.pop('dataset'))
    return Config(plain)


def _load(state_dict: State, cfg: Config) -> nn.Module:
    model = MODELS.build(cfg.model)
    check_fit(state_dict, model)
    model.load_state_dict(state_dict)
    return model


def _index(cfg: Config, dataset: str | None) -> int:
    """The dataset's expert; a ``UserError`` if the config is not of several, or has not this."""
    names = [head['dataset'] for head in cfg.model.head.get('heads', [])]
    if dataset not in names:
        known = f'it has heads for {", ".join(names)}' if names else 'it is of one dataset only'
        raise UserError(f'The config has no head for the dataset {dataset!r}: {known}.')
    return names.index(dataset)


def _name(part: dict) -> str:
    return DATASETS.build(dict(part, lazy_init=True, pipeline=[])).metainfo['dataset_name']
