"""Runs a teacher over a training set and caches its heatmaps for a ``CachedTeacher``."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.device import get_device
from mmengine.runner import Runner
from mmpose.registry import DATASETS, MODELS
from torch import nn

from vitpose_plus.datasets.multi_dataset import parts_of
from vitpose_plus.distillation.cache import Batch, write_cache
from vitpose_plus.distillation.teachers import RunningTeacher
from vitpose_plus.errors import UserError

NUM_CHECKED = 8  # samples that are loaded twice


def cache_training_set(cfg: Config, folder: str | Path, track: Callable) -> int:
    """Writes the heatmaps that the teacher of a student's config predicts.

    Args:
        cfg: The config of a student with a ``RunningTeacher``.
        folder: The new folder of the cache.
        track: A wrapper of the batches that shows progress: ``track(batches, description=...)``.

    Returns:
        The number of samples.
    """
    model = MODELS.build(cfg.model)
    teacher = getattr(model, 'teacher', None)
    if not isinstance(teacher, RunningTeacher):
        raise UserError(
            f'{cfg.filename} has no running teacher: give the config of a student '
            'with teacher=dict(type="RunningTeacher", ...).'
        )
    dataset = DATASETS.build(decoding_once(cfg.train_dataloader.dataset))
    check_deterministic(dataset)
    sizes = {part.metainfo['dataset_name']: len(part) for part in parts_of(dataset)}
    in_order = dict(type='DefaultSampler', shuffle=False)
    loader = Runner.build_dataloader(dict(cfg.train_dataloader, dataset=dataset, sampler=in_order))
    batches = predicted(model.to(get_device()), track(loader, description='heatmaps'))
    write_cache(folder, dict(teacher=teacher.name, sha256=teacher.sha256), sizes, batches)
    return sum(sizes.values())


def decoding_once(dataset: dict) -> dict:
    """A copy of a dataset's config that decodes a picture once for all people in it.

    The samples are read in order, so the people of a picture follow each other.
    """
    dataset = deepcopy(dataset)
    for part in (dataset, *dataset.get('datasets', ())):
        for transform in part.get('pipeline', ()):
            if transform['type'] == 'LoadImage':
                transform['type'] = 'LoadImageOnce'
    return dataset


def predicted(model: nn.Module, loader: Iterator) -> Iterator[Batch]:
    for batch in loader:
        data = model.data_preprocessor(batch, training=False)
        yield Batch(**data, heatmaps=model.teacher(**data))


def check_deterministic(dataset: BaseDataset) -> None:
    """Raises a ``UserError`` if a sample that is loaded twice differs, as with augmentation."""
    for i in range(0, len(dataset), max(1, len(dataset) // NUM_CHECKED)):
        if not torch.equal(dataset[i]['inputs'], dataset[i]['inputs']):
            raise UserError(
                'The training augments its samples, so their heatmaps differ in every epoch: '
                'remove the augmentation (augmentation=[] in the config).'
            )
