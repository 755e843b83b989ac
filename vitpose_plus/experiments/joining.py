"""Makes the config of a ViTPose+ with one more dataset."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from mmengine.config import Config

from vitpose_plus.datasets.multi_dataset import plain_datasets
from vitpose_plus.errors import UserError
from vitpose_plus.experiments.own_dataset import augmented
from vitpose_plus.experiments.part_crops import crops
from vitpose_plus.experiments.part_settings import PartSettings
from vitpose_plus.experiments.splitting import KEPT, is_of
from vitpose_plus.experiments.topdown import multi_dataset

# Keys that a runner does not read: the entries of the datasets, and the defaults of `predict`.
DATASETS, PREDICT = 'datasets', 'predict'
SPLITS = ('train', 'val', 'test')


def join_config(cfg: Config, settings: PartSettings, source: Mapping | None = None) -> Config:
    """Returns the config of a ViTPose+ with one more expert, head, loader and metric.

    The dataset of the part is appended to each loader and evaluator that the config has.

    Args:
        cfg: The config of a ``MultiDatasetTopdown`` with experts.
        settings: The settings of the added dataset.
        source: A config with loaders and metrics of this dataset: that of its training. By default
            they are those of ``sections_of``.

    Raises:
        UserError: The dataset exists already, or its crops have another size.
    """
    _check_joinable(cfg, settings)
    joined = {
        key: value for key, value in cfg.to_dict().items() if key in {*KEPT, DATASETS, PREDICT}
    }
    added = sections_of(settings)
    source = {**added, **_own_sections(source or {}, settings.dataset)}
    joined[DATASETS] = {**joined.get(DATASETS, {}), **source[DATASETS]}
    model = joined['model']
    model['backbone'].pop('init_cfg', None)
    model['backbone']['ffn']['num_experts'] += 1
    model['head']['heads'] = [*model['head']['heads'], *added['model']['head']['heads']]
    for split in SPLITS:
        loader, evaluator = (joined.get(f'{split}_{part}') for part in ('dataloader', 'evaluator'))
        if loader:
            loader['dataset'] = _appended(loader['dataset'], source[f'{split}_dataloader'])
        if loader and evaluator:
            more = source[f'{split}_evaluator']['metrics']
            evaluator['metrics'] = [*evaluator['metrics'], *more]
    return Config(deepcopy(joined))


def _check_joinable(cfg: Config, settings: PartSettings) -> None:
    """Raises a ``UserError`` unless a model can get one more expert for a dataset."""
    heads = cfg.model.get('head', {}).get('heads', [])
    if not heads or 'num_experts' not in cfg.model.backbone.get('ffn', {}):
        raise UserError(
            'The config is for a model without experts: give the config of a ViTPose+ with '
            '--config.'
        )
    names = [head['dataset'] for head in heads]
    if settings.dataset in names:
        raise UserError(
            f'The model has a head for the dataset {settings.dataset!r} already: train the part '
            'again with another name.'
        )
    own_hw = [int(side) for side in cfg.model.backbone.get('input_hw', (256, 192))]
    if list(settings.input_hw) != own_hw:
        given, own = ('x'.join(map(str, hw)) for hw in (settings.input_hw, own_hw))
        raise UserError(
            f'The crops of the dataset {settings.dataset!r} have {given} pixels (height x width), '
            f'those of the model {own}, so that the tables of positions differ: train the part '
            'with the size of the model.'
        )


def sections_of(settings: PartSettings) -> dict[str, Any]:
    """The sections of a config for one dataset: the data are expected in ``data/NAME``.

    The folder has ``annotations/train.json``, ``annotations/val.json`` and ``images``.
    """
    data = dict(
        type='BaseCocoStyleDataset',
        metainfo=settings.metainfo(),
        data_root=settings.dataset,
        data_prefix=dict(img='images/'),
    )
    mirrored = {} if settings.flip_test else dict(RandomFlip=None)
    metrics = [dict(type='EPE'), *([dict(type='CocoMetric')] if settings.sigmas else [])]
    entry = dict(
        num_keypoints=settings.num_keypoints,
        crop=settings.crop,
        padding=settings.padding,
        augmentation=mirrored,
        train=dict(data, ann_file='annotations/train.json'),
        val=dict(data, ann_file='annotations/val.json'),
        metric=metrics,
    )
    entry, augmentation = augmented(entry)
    model, *rest = multi_dataset(
        {settings.dataset: entry},
        crops(),
        augmentation,
        input_hw=tuple(settings.input_hw),
        sigma=settings.sigma,
    )
    if not settings.flip_test:
        model['head']['heads'][0]['test_cfg']['flip_test'] = False
    kinds = [f'{split}_dataloader' for split in SPLITS] + ['val_evaluator', 'test_evaluator']
    sections = dict(zip(kinds, rest, strict=True))
    return {'model': model, DATASETS: {settings.dataset: entry}, **sections}


def _own_sections(source: Mapping, dataset: str) -> dict[str, Any]:
    """The entry, the loaders and the metrics of the dataset that a config has."""
    sections = {}
    if entry := (source.get(DATASETS) or {}).get(dataset):
        sections[DATASETS] = {dataset: entry}
    for split in SPLITS:
        loader = (source.get(f'{split}_dataloader') or {}).get('dataset') or {}
        if parts := [part for part in plain_datasets(loader) if is_of(part, dataset)]:
            sections[f'{split}_dataloader'] = dict(dataset=dict(datasets=parts))
        metrics = (source.get(f'{split}_evaluator') or {}).get('metrics', ())
        if own := [metric for metric in metrics if metric.get('dataset') == dataset]:
            sections[f'{split}_evaluator'] = dict(metrics=own)
    return sections


def _appended(dataset: dict, added: Mapping) -> dict:
    """The dataset of a loader with another one; inside a wrapper, if it has one."""
    if 'datasets' not in dataset and 'dataset' in dataset:
        return dict(dataset, dataset=_appended(dataset['dataset'], added))
    return dict(dataset, datasets=[*dataset['datasets'], *added['dataset']['datasets']])
