"""What is wrong with a config or its files, found before anything is built or written."""

import os
import os.path as osp
from collections.abc import Iterator

from mmengine.config import Config
from mmpose.registry import DATASETS

from vitpose_plus.errors import UserError

# Only a small annotation file can be empty; large ones are read once, when the loader is built
# (which says the same of them).
SMALL_FILE = 16 * 2**20


def check(cfg: Config, splits: tuple[str, ...]) -> None:
    """Raises a ``UserError`` if training or testing with ``cfg`` could not start.

    Args:
        cfg: The whole config.
        splits: Which loaders will be used, of ``train``, ``val`` and ``test``.
    """
    if cfg.get('load_from') and '://' not in cfg.load_from and not osp.isfile(cfg.load_from):
        raise UserError(f'The checkpoint {cfg.load_from} does not exist: check its path.')
    where = cfg.filename or 'The config'
    if _is_multi_dataset(cfg) and not cfg.get('datasets'):
        raise UserError(
            f'{where} has no `datasets`: name them as in '
            'configs/vitpose_plus/vitpose-plus-base_six-datasets-256x192.py.'
        )
    for split in splits:
        if not cfg.get(f'{split}_dataloader', {}).get('dataset'):
            raise UserError(
                f'{where} has no {split}_dataloader.dataset: derive it from `datasets` '
                'with vitpose_plus.experiment.multi_dataset.'
            )
        for dataset_cfg in _datasets(cfg[f'{split}_dataloader'].dataset):
            check_dataset(dataset_cfg, _num_keypoints(cfg))


def check_dataset(cfg: dict, num_keypoints: dict[str, int]) -> None:
    """Checks files, folders and the number of keypoints (``num_keypoints``: by head)."""
    dataset = DATASETS.build(dict(cfg, lazy_init=True, pipeline=[]))
    name = dataset.metainfo['dataset_name']
    if num_keypoints:
        if name not in num_keypoints:
            raise UserError(
                f'The model has no head for the dataset {name}: it has heads for '
                f'{", ".join(num_keypoints)}; name it in `datasets`.'
            )
        if num_keypoints[name] != dataset.metainfo['num_keypoints']:
            raise UserError(
                f'The dataset {name} has {dataset.metainfo["num_keypoints"]} keypoints, its head '
                f'{num_keypoints[name]}: correct num_keypoints in its entry.'
            )
    for field, path in _files(dataset):
        if not osp.isfile(path):
            raise UserError(
                f'The dataset {name} needs {path} ({field}), which does not exist: '
                'put it there, or correct data_root.'
            )
    folder = dataset.data_prefix.get('img')
    if folder and not osp.isdir(folder):
        raise UserError(
            f'The dataset {name} needs the image folder {folder} (data_prefix), which '
            'does not exist: put it there, or correct data_root.'
        )
    if os.path.getsize(dataset.ann_file) < SMALL_FILE:
        DATASETS.build(dict(type='MultiDataset', datasets=[dict(cfg, pipeline=[])]))


def _is_multi_dataset(cfg: Config) -> bool:
    return cfg.get('model', {}).get('type') == 'MultiDatasetTopdown'


def _num_keypoints(cfg: Config) -> dict[str, int]:
    heads = cfg.model.get('head', {}).get('heads', []) if _is_multi_dataset(cfg) else []
    return {head['dataset']: head['num_keypoints'] for head in heads}


def _datasets(cfg: dict) -> Iterator[dict]:
    """The plain datasets of a loader, those of a wrapper one by one."""
    if 'datasets' in cfg:
        for part in cfg['datasets']:
            yield from _datasets(part)
    elif 'dataset' in cfg:
        yield from _datasets(cfg['dataset'])
    else:
        yield cfg


def _files(dataset) -> Iterator[tuple[str, str]]:
    for field in ('ann_file', 'bbox_file', 'headbox_file'):
        if path := getattr(dataset, field, None):
            yield field, path
