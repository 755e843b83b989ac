"""What is wrong with a config or its files, found before anything is built or written."""

import os
import os.path as osp

from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.device import get_device
from mmengine.registry import init_default_scope
from torch import nn

from vitpose_plus.checkpoints import check_file, check_fit, reading
from vitpose_plus.checkpoints.fetching import is_local
from vitpose_plus.checkpoints.guard import check_layout
from vitpose_plus.datasets.checking import check_dataset, missing_files, needs_of
from vitpose_plus.datasets.checking.metainfo import check_metainfo
from vitpose_plus.datasets.multi_dataset import load_annotations, plain_datasets, unread
from vitpose_plus.engine import launchers, settings
from vitpose_plus.engine.starting import fetch_checkpoints, pretrained
from vitpose_plus.errors import UserError
from vitpose_plus.files import about, unwritable
from vitpose_plus.models.building import build_on_meta

# Only of a small annotation file mmpose's class is asked before the run whether anything in it is
# usable: of large ones it says so when the loader is built.
SMALL_FILE = 16 * 2**20


def check(cfg: Config, splits: tuple[str, ...]) -> list[str]:
    """Raises a ``UserError`` if training or testing with ``cfg`` could not start.

    Returns what is harmless but should be known, in sentences. Annotations are read in the first
    process only.

    Args:
        cfg: The whole config.
        splits: Which loaders will be used, of ``train``, ``val`` and ``test``.
    """
    init_default_scope(cfg.get('default_scope') or 'mmpose')  # as the runner will
    where = cfg.filename or 'The config'
    settings.check(cfg, splits)
    heads = {h['dataset']: h['num_keypoints'] for h in cfg.model.get('head', {}).get('heads', [])}
    if heads and set(cfg.get('datasets') or {}) != set(heads):
        raise UserError(
            f'{where} has heads for {", ".join(heads)}, but its `datasets` are '
            f'{", ".join(cfg.get("datasets") or {}) or "missing"}: name them, with _delete_=True '
            'where a parent does, and call vitpose_plus.experiments.multi_dataset_config here.'
        )
    if 'head' not in cfg.model and set(splits) - {'train'}:
        raise UserError(
            f'{where} has a model without a head, of which there is nothing to test: see what a '
            'masked autoencoder learnt with reconstruct, or start a pose model from it with train '
            '--pretrained.'
        )
    check_sizes(cfg)
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
        lacking = set(heads) - {part.metainfo['dataset_name'] for part in parts}
        if lacking and split == 'train':  # validating on some of them is fine
            raise UserError(
                f'{where} has heads for {", ".join(heads)}, but train_dataloader has no '
                f'{", ".join(lacking)}: call multi_dataset_config with all of `datasets`.'
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
    """The folder of logs and checkpoints, or the first one above it that is there, takes files."""
    if reason := unwritable(cfg.work_dir):
        raise UserError(f'{cfg.work_dir} cannot be written, as {reason}: give another --work-dir.')


def check_precision(cfg: Config) -> None:
    """mmengine's mixed precision has a loss scale that only a GPU needs, and only a GPU has."""
    wrapper = cfg.get('optim_wrapper') or {}
    if wrapper.get('type') == 'AmpOptimWrapper' and get_device() == 'cpu':
        raise UserError(
            f'{cfg.filename or "The config"} trains in mixed precision (AmpOptimWrapper, --amp), '
            'which needs a GPU: on a CPU leave it out, or train in bf16 with --cfg-options '
            'optim_wrapper.type=Bf16OptimWrapper.'
        )


def check_sizes(cfg: Config) -> None:
    """Crops, targets and positions are made for one input."""
    given = cfg.model.get('backbone', {}).get('input_hw')
    head = cfg.model.get('head', {})
    codecs = [h['codec'] for h in head.get('heads', [])] or [head.get('decoder')]
    sizes = {tuple(codec['input_size']) for codec in codecs if codec}
    for w, h in sizes:
        if given and tuple(given) != (h, w):
            raise UserError(
                f'{cfg.filename or "The config"} makes crops of {h}x{w}, but its model is for '
                f'{given[0]}x{given[1]}: give input_hw to the function that the config calls, from '
                'which all sizes follow.'
            )


def plain_keypoints(head: dict) -> int | None:
    """The number of keypoints of a plain model's only head; a bottom-up one has tags besides."""
    return head.get('num_keypoints', head.get('out_channels'))


def check_keypoints(dataset: BaseDataset, heads: dict[str, int], out_channels: int | None) -> None:
    """The dataset has a head, and the head its number of keypoints.

    Args:
        dataset: A dataset, read or not.
        heads: The keypoints of a multi-dataset model's heads, by dataset; else empty.
        out_channels: Those of a plain model's only head, if it says so.
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
            f'The dataset {name} has {num_keypoints} keypoints, its head '
            f'{expected}: correct num_keypoints in its entry, or the head.'
        )


def check_files(dataset: BaseDataset) -> None:
    """Files and folders are there."""
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
    """A small annotation file holds something that the dataset's class can use."""
    dataset.serialize_data = False  # for workers; mmengine collects garbage then, 0.2 s each
    if os.path.getsize(dataset.ann_file) < SMALL_FILE:
        load_annotations(dataset.metainfo['dataset_name'], dataset)


def check_checkpoints(cfg: Config) -> None:
    """``load_from`` and the backbone's ``init_cfg``, if they are files, fit the model.

    Those that are given by URLs are downloaded first, and the config has their files from then on.
    The model is built in any case: one that cannot be is refused before the runner writes anything.
    """
    fetch_checkpoints(cfg)
    with about(cfg.filename or 'The config'):
        model = build_on_meta(cfg.model)
    if is_local(cfg.get('load_from')):
        check_file(cfg.load_from, model)
    whole = pretrained(cfg.model)
    if whole and is_local(whole.get('checkpoint')):
        reading.read(whole.checkpoint)
    init = pretrained(cfg.model.get('backbone', {}))
    if init and is_local(init.checkpoint):
        given, prefix = reading.read(init.checkpoint), init.get('prefix', '')
        check_layout(given, init.checkpoint)
        weights = {
            f'backbone.{name.removeprefix(prefix)}': value
            for name, value in given.items()
            if name.startswith(prefix)
        }
        backbone = nn.ModuleDict(dict(backbone=model.backbone))
        tokens = {k: v for k, v in backbone.state_dict().items() if k == 'backbone.prefix_tokens'}
        hint = 'run python -m vitpose_plus convert IN OUT --config CONFIG, and give OUT'
        weights = {**tokens, **weights}  # those start at random
        check_fit(weights, backbone, init.checkpoint, hint)
    if teacher := getattr(model, 'teacher', None):
        parts = [unread(part) for part in plain_datasets(cfg.train_dataloader.dataset)]
        infos = [part.metainfo for part in parts]
        teacher.check_datasets({info['dataset_name']: info['num_keypoints'] for info in infos})
