"""Opens the detector in a training folder of mmdet."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmdet.registry import DATASETS
from mmengine.config import Config
from mmengine.registry import DefaultScope

from vitpose_plus.checkpoints import reading, work_dirs
from vitpose_plus.errors import UserError, reason
from vitpose_plus.experiments.catalogue import load_config
from vitpose_plus.inference.boxes.batching import try_once
from vitpose_plus.inference.boxes.mmdetection import MmdetDetector


def open_work_dir(folder: Path, device: str, score: float) -> MmdetDetector:
    """Opens the detector in a training folder: its config, and its best or else last checkpoint.

    Raises:
        UserError: The folder does not contain exactly one config and a checkpoint, or the config
            is not that of a detector.
    """
    config, checkpoint = config_in(folder), checkpoint_in(folder)
    cfg = load_config(str(config))
    content = reading.read_whole(checkpoint)
    labels = classes_of(cfg, content.get('meta'), str(config))
    try:
        detector = MmdetDetector(str(config), cfg, labels, score)
    except UserError:
        raise
    except Exception as error:  # a user's config can cause any error
        raise UserError(
            f'{config} cannot be built as a detector of mmdet ({reason(error)}): correct it.'
        ) from error
    detector.load(str(checkpoint), content['state_dict'], device)
    try_once(detector, config)
    return detector


def config_in(folder: Path) -> Path:
    configs = sorted(folder.glob('*.py'))
    if len(configs) == 1:
        return configs[0]
    if not configs:
        raise UserError(
            f'{folder} contains neither a config of mmdet (.py) nor a config.json of Hugging Face: '
            'give the folder of a trained detector.'
        )
    names = ', '.join(path.name for path in configs)
    raise UserError(
        f'{folder} contains {len(configs)} configs ({names}): keep the one of the detector.'
    )


def checkpoint_in(folder: Path) -> Path:
    """The best checkpoint, else the last; else the only ``.pth`` file, with any name."""
    own = work_dirs.own_checkpoints(folder)
    if own:
        return work_dirs.best(folder) or max(own, key=work_dirs.number_of)
    others = sorted(folder.glob('*.pth'))
    if len(others) == 1:
        return others[0]
    if not others:
        raise UserError(
            f"{folder} contains no checkpoint (.pth): put the detector's weights there."
        )
    names = ', '.join(path.name for path in others)
    raise UserError(f'{folder} contains {len(others)} checkpoints ({names}): keep one of them.')


def classes_of(cfg: Config, meta: Any, title: str) -> tuple[str, ...]:
    """The names of the classes in the checkpoint, or else in the config's dataset.

    Args:
        cfg: The config of the detector.
        meta: The content of the checkpoint's field ``meta``.
        title: The name of the config, for errors.
    """
    given = meta.get('dataset_meta') if isinstance(meta, dict) else None
    saved = {str(k).lower(): v for k, v in given.items()} if isinstance(given, dict) else {}
    dataset = _plain(cfg.get('test_dataloader', {}).get('dataset', {}))
    classes = saved.get('classes') or dataset.get('metainfo', {}).get('classes')
    if not classes and 'type' in dataset:
        with DefaultScope.overwrite_default_scope('mmdet'):
            kind = DATASETS.get(dataset['type'])
        classes = getattr(kind, 'METAINFO', {}).get('classes')
    if isinstance(classes, str):
        classes = [classes]
    if not classes:
        raise UserError(
            f'Neither {title} nor its checkpoint names the classes of the detector: set '
            'metainfo=dict(classes=(...)) in the dataset of test_dataloader.'
        )
    return tuple(str(name) for name in classes)


def _plain(dataset: Mapping) -> Mapping:
    """The dataset without wrappers; the first dataset if a wrapper contains several."""
    while 'dataset' in dataset or 'datasets' in dataset:
        dataset = dataset['dataset'] if 'dataset' in dataset else dataset['datasets'][0]
    return dataset
