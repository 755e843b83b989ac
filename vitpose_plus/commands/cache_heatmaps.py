"""Write the heatmaps that a teacher draws of every training sample, for a CachedTeacher."""

import argparse
from collections.abc import Iterator
from pathlib import Path

import torch
from mmengine.dataset import BaseDataset
from mmengine.device import get_device
from mmengine.runner import Runner
from mmpose.registry import DATASETS, MODELS
from rich.progress import track
from torch import nn

from vitpose_plus.commands import running
from vitpose_plus.datasets.multi_dataset import parts_of
from vitpose_plus.distillation.cache import Batch, write_cache
from vitpose_plus.distillation.teachers import RunningTeacher
from vitpose_plus.engine import preflight
from vitpose_plus.errors import UserError
from vitpose_plus.experiments.catalogue import find_config

TRIED = 8  # samples that are made twice


def add_arguments(parser: argparse.ArgumentParser) -> None:
    running.add_arguments(parser)
    parser.add_argument('out', metavar='FOLDER', help='the folder to write')


def run(args: argparse.Namespace) -> None:
    if Path(args.out).exists():
        raise UserError(f'{args.out} exists: give another name, or take it away.')
    cfg = running.load_config(args)
    preflight.check(cfg, ('train',))
    model = MODELS.build(cfg.model)
    teacher = getattr(model, 'teacher', None)
    if not isinstance(teacher, RunningTeacher):
        raise UserError(
            f'{find_config(args.config)} has no teacher that runs: give the config of a student '
            'with teacher=dict(type="RunningTeacher", ...).'
        )
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    refuse_chance(dataset)
    sizes = {part.metainfo['dataset_name']: len(part) for part in parts_of(dataset)}
    in_order = dict(type='DefaultSampler', shuffle=False)
    loader = Runner.build_dataloader(dict(cfg.train_dataloader, dataset=dataset, sampler=in_order))
    batches = drawn(model.to(get_device()), track(loader, description='heatmaps'))
    about = dict(teacher=teacher.name, sha256=teacher.sha256)
    write_cache(args.out, about, sizes, batches)
    print(f'Written: {args.out}, heatmaps of {sum(sizes.values())} samples.')


def drawn(model: nn.Module, loader: Iterator) -> Iterator[Batch]:
    for batch in loader:
        data = model.data_preprocessor(batch, training=False)
        yield Batch(**data, heatmaps=model.teacher(**data))


def refuse_chance(dataset: BaseDataset) -> None:
    """Raises a ``UserError`` if a sample that is made twice is not the same."""
    for i in range(0, len(dataset), max(1, len(dataset) // TRIED)):
        if not torch.equal(dataset[i]['inputs'], dataset[i]['inputs']):
            raise UserError(
                'The training augments its samples, so that their heatmaps differ in every epoch: '
                'take the augmentation away (augmentation=[] in the config).'
            )
