"""Makes the config of a plain model from the config of a multi-dataset model."""

import inspect

from mmengine.config import Config
from mmengine.runner import Runner

from vitpose_plus.datasets.multi_dataset import plain_datasets, unread
from vitpose_plus.errors import UserError
from vitpose_plus.experiments.configs import for_inferencers
from vitpose_plus.models.building import build_on_meta, test_settings
from vitpose_plus.models.ffn import SharedFFN

# Keys of a single run. KEPT are the other keys that a runner reads; all further keys are variables.
RUN = {'work_dir', 'load_from', 'resume', 'launcher', 'cfg', 'experiment_name'}
KEPT = set(inspect.signature(Runner).parameters) - RUN | {
    'auto_scale_lr',
    'custom_imports',
    'model_wrapper_cfg',
    'vis_backends',
}


def split_config(cfg: Config, dataset: str) -> Config:
    """Returns the config of a plain model for one dataset of a multi-dataset config.

    A loader without this dataset is left out, and its evaluator, too.
    """
    index = dataset_index(cfg, dataset)
    head = cfg.model.head.heads[index]
    plain = {key: value for key, value in cfg.to_dict().items() if key in KEPT}
    model = plain['model']
    model['type'] = 'TopdownPoseEstimator'
    plain_ffn = _plain_ffn(model['backbone'], index)
    for experts_or_start in ('ffn', 'init_cfg'):
        model['backbone'].pop(experts_or_start, None)
    model['backbone'] |= plain_ffn
    model['head'] = dict(
        model['head']['head'], out_channels=head['num_keypoints'], decoder=head['codec']
    )
    model['test_cfg'] = test_settings(model, head)
    for split_name in ('train', 'val', 'test'):
        _keep_dataset(plain, split_name, dataset)
    kept = [plain.get(f'{split_name}_dataloader') for split_name in ('val', 'test', 'train')]
    if tested_on := next(filter(None, kept), None):
        plain |= for_inferencers(tested_on['dataset'])
    return Config(plain)


def dataset_index(cfg: Config, dataset: str | None) -> int:
    """Returns the number of the dataset's head and expert.

    Raises a ``UserError`` if the config has no heads for several datasets, or none for this one.
    """
    names = [head['dataset'] for head in cfg.model.head.get('heads', [])]
    if not names:
        raise UserError(
            'The config is for one dataset only: give the config of a multi-dataset model.'
        )
    if dataset is None:
        raise UserError(
            'The checkpoint has a head: give the dataset of this head with --dataset, one of '
            f'{", ".join(names)}.'
        )
    if dataset not in names:
        raise UserError(
            f'The config has no head for the dataset {dataset!r}: it has heads for '
            f'{", ".join(names)}.'
        )
    return names.index(dataset)


def is_of(part: dict, dataset: str) -> bool:
    """Whether the config of a plain dataset has this name in its metainfo."""
    return unread(part).metainfo['dataset_name'] == dataset


def _plain_ffn(backbone: dict, index: int) -> dict:
    """Returns ``ffn`` of a plain backbone, or nothing if the hidden width is the usual one."""
    fc1 = build_on_meta(backbone).layers[0].ffn.fold(index).fc1
    if fc1.out_features == SharedFFN(fc1.in_features).fc1.out_features:
        return {}
    return dict(ffn=dict(type='SharedFFN', hidden_dim=fc1.out_features))


def _keep_dataset(plain: dict, split_name: str, dataset: str) -> None:
    """Reduces a split's loader and evaluator to the dataset, or removes the split."""
    loader = plain.get(f'{split_name}_dataloader') or {}
    parts = plain_datasets(loader.get('dataset') or {})
    parts = [part for part in parts if is_of(part, dataset)]
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
