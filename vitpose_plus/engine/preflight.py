"""Checks a config and its files before anything is built or written."""

import os
import os.path as osp

from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.device import get_device
from mmengine.registry import init_default_scope

from vitpose_plus.checkpoints import check_file, reading
from vitpose_plus.checkpoints.fetching import is_local
from vitpose_plus.datasets.checking import check_dataset, missing_files, needs_of
from vitpose_plus.datasets.checking.metainfo import check_metainfo
from vitpose_plus.datasets.multi_dataset import load_annotations, plain_datasets, unread
from vitpose_plus.engine import launchers, settings
from vitpose_plus.engine.flips import check_flip_test, flip_notes
from vitpose_plus.engine.starting import check_start, fetch_checkpoints, pretrained
from vitpose_plus.errors import UserError
from vitpose_plus.experiments.catalogue import is_dataset_folder
from vitpose_plus.files import about, unwritable
from vitpose_plus.models.building import build_on_meta

# Bytes. Annotation files below this size are also loaded with mmpose's class, to find files without
# usable annotations. For larger files mmpose reports this later, when the loader is built.
SMALL_FILE = 16 * 2**20


def check(cfg: Config, splits: tuple[str, ...]) -> list[str]:
    """Raises a ``UserError`` if training or testing with ``cfg`` could not start.

    Returns notes on harmless faults, for the log. Only the first process reads annotations.

    Args:
        cfg: The complete config.
        splits: The splits that will be used: ``train``, ``val`` or ``test``.
    """
    init_default_scope(cfg.get('default_scope') or 'mmpose')  # as the runner will
    where = cfg.filename or 'The config'
    settings.check(cfg, splits)
    heads = {h['dataset']: h['num_keypoints'] for h in cfg.model.get('head', {}).get('heads', [])}
    if heads and set(cfg.get('datasets') or {}) != set(heads):
        raise UserError(
            f'{where} has heads for {", ".join(heads)}, but its `datasets` are '
            f'{", ".join(cfg.get("datasets") or {}) or "missing"}: name the datasets there, with '
            '_delete_=True if a parent has `datasets`, too, and call '
            'vitpose_plus.experiments.multi_dataset_config in this config.'
        )
    if 'head' not in cfg.model and set(splits) - {'train'}:
        raise UserError(
            f'{where} has a model without a head, so there is nothing to test: draw the '
            'reconstructions of a masked autoencoder with reconstruct, or start a pose model from '
            'it with train --pretrained.'
        )
    check_sizes(cfg)
    with about(where):
        check_flip_test(cfg)
    notes = {}
    for split in splits:
        loader = cfg.get(f'{split}_dataloader') or {}
        if not loader.get('dataset'):
            raise UserError(
                f'{where} has no {split}_dataloader.dataset: derive it from the entry of a dataset '
                f'with a {split} part (vitpose_plus.experiments).'
            )
        evaluator = cfg.get(f'{split}_evaluator')  # a training has none
        check_metainfo(loader['dataset'], evaluator)
        parts = [unread(part) for part in plain_datasets(loader['dataset'])]
        if split == 'train':
            notes.update(dict.fromkeys(flip_notes(cfg, parts)))
        missing = set(heads) - {part.metainfo['dataset_name'] for part in parts}
        if missing and split == 'train':  # validating on some of them is fine
            raise UserError(
                f'{where} has heads for {", ".join(heads)}, but train_dataloader has no '
                f'{", ".join(missing)}: call multi_dataset_config with all of `datasets`.'
            )
        for dataset in parts:
            check_keypoints(dataset, heads, plain_keypoints(cfg.model.get('head', {})))
            check_files(dataset)
            if launchers.is_first_process(cfg.get('launcher', 'none')):
                found = check_dataset(dataset, needs_of(dataset, evaluator))
                notes.update(dict.fromkeys(found))
                check_content(dataset)
    check_checkpoints(cfg)
    return list(notes)


def check_work_dir(cfg: Config) -> None:
    """Raises a ``UserError`` if the training folder cannot be written or created."""
    folder = os.path.dirname(cfg.filename or '')
    if is_dataset_folder(folder) and os.path.realpath(folder) == os.path.realpath(cfg.work_dir):
        raise UserError(
            f'{cfg.work_dir} is the folder of the dataset, whose config.py would be overwritten: '
            'give another --work-dir.'
        )
    if reason := unwritable(cfg.work_dir):
        raise UserError(f'{cfg.work_dir} cannot be written, as {reason}: give another --work-dir.')


def check_precision(cfg: Config) -> None:
    """Raises a ``UserError`` for mmengine's mixed precision on a CPU: it needs a GPU."""
    wrapper = cfg.get('optim_wrapper') or {}
    if wrapper.get('type') == 'AmpOptimWrapper' and get_device() == 'cpu':
        raise UserError(
            f'{cfg.filename or "The config"} trains in mixed precision (AmpOptimWrapper, --amp), '
            'which needs a GPU: on a CPU leave it out, or train in bf16 with --cfg-options '
            'optim_wrapper.type=Bf16OptimWrapper.'
        )


def check_sizes(cfg: Config) -> None:
    """Raises a ``UserError`` if the crops and the model have different input sizes."""
    given = cfg.model.get('backbone', {}).get('input_hw')
    head = cfg.model.get('head', {})
    codecs = [h['codec'] for h in head.get('heads', [])] or [head.get('decoder')]
    sizes = {tuple(codec['input_size']) for codec in codecs if codec}
    for w, h in sizes:
        if given and tuple(given) != (h, w):
            raise UserError(
                f'{cfg.filename or "The config"} makes crops of {h}x{w}, but its model is for '
                f'{given[0]}x{given[1]}: give input_hw to the function that the config calls, '
                'which sets all sizes.'
            )


def plain_keypoints(head: dict) -> int | None:
    """The number of keypoints of a plain model's only head; ``out_channels`` may include tags."""
    return head.get('num_keypoints', head.get('out_channels'))


def check_keypoints(dataset: BaseDataset, heads: dict[str, int], out_channels: int | None) -> None:
    """Raises a ``UserError`` unless the dataset has a head with its number of keypoints.

    Args:
        dataset: The dataset; its annotations need not be read.
        heads: The numbers of keypoints of a multi-dataset model's heads, by dataset; else empty.
        out_channels: The number of keypoints of a plain model's only head, if it is known.
    """
    name, num_keypoints = (dataset.metainfo[key] for key in ('dataset_name', 'num_keypoints'))
    if heads and name not in heads:
        raise UserError(
            f'The model has no head for the dataset {name}: it has heads for '
            f'{", ".join(heads)}; name it in `datasets`.'
        )
    expected = heads.get(name, out_channels or num_keypoints)
    if expected != num_keypoints:
        raise UserError(
            f'The dataset {name} has {num_keypoints} keypoints, but its head has '
            f'{expected}: correct num_keypoints in its entry, or the head.'
        )


def check_files(dataset: BaseDataset) -> None:
    """Raises a ``UserError`` if a file or folder of the dataset is missing."""
    name = dataset.metainfo['dataset_name']
    for field, path in missing_files(dataset):
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


def check_content(dataset: BaseDataset) -> None:
    """Raises a ``UserError`` if a small annotation file has no usable annotation."""
    dataset.serialize_data = False  # only workers need it; garbage collection takes 0.2 s
    if os.path.getsize(dataset.ann_file) < SMALL_FILE:
        load_annotations(dataset.metainfo['dataset_name'], dataset)


def check_checkpoints(cfg: Config) -> None:
    """Raises a ``UserError`` if a file of ``load_from`` or of ``init_cfg`` does not fit the model.

    Files at URLs are downloaded first, and the config then has their paths. The model is built in
    any case: if that fails, the error comes before the runner writes anything.
    """
    fetch_checkpoints(cfg)
    with about(cfg.filename or 'The config'):
        model = build_on_meta(cfg.model)
    if is_local(cfg.get('load_from')):
        check_file(cfg.load_from, model)
    full_init = pretrained(cfg.model)
    if full_init and is_local(full_init.get('checkpoint')):
        reading.read(full_init.checkpoint)
    check_start(cfg, getattr(model, 'backbone', None))
    if teacher := getattr(model, 'teacher', None):
        parts = [unread(part) for part in plain_datasets(cfg.train_dataloader.dataset)]
        infos = [part.metainfo for part in parts]
        teacher.check_datasets({info['dataset_name']: info['num_keypoints'] for info in infos})
