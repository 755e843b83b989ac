"""Make a dataset and a config for training from labels of your own keypoints."""

import argparse
import keyword
import os
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from vitpose_plus.commands import new_dataset_expert
from vitpose_plus.commands.new_dataset_options import SPLITS, add_arguments
from vitpose_plus.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from vitpose_plus.datasets.labels.splitting import Split
    from vitpose_plus.experiments.new_dataset.folder import NewDataset
    from vitpose_plus.experiments.new_dataset.plans import Plan
    from vitpose_plus.experiments.new_dataset.sizing import InitialWeights, Machine, Sized

__all__ = ['add_arguments', 'run']

# Names and ends of names that have a meaning in configs.
RESERVED = (
    *('model', 'predict', 'datasets', 'augmentation', 'resume', 'visualizer', 'randomness'),
    *('launcher', 'load_from', 'default_scope', 'log_level', 'strategy', 'runner_type'),
    *('filename', 'text', 'pretty_text', 'env_variables'),  # of mmengine
)
PATCH = 16  # pixels
ENDINGS = ('_cfg', '_dataloader', '_evaluator', '_wrapper', '_hooks', '_scheduler', '_dir')


def run(args: argparse.Namespace) -> None:
    from vitpose_plus.datasets.labels import read_labels
    from vitpose_plus.experiments.new_dataset.folder import (
        NewDataset,
        check_place,
        dataset_folder,
        keypoints_of,
        write_folder,
    )
    from vitpose_plus.experiments.new_dataset.looks import LOOKS, default_look
    from vitpose_plus.visualization.labels import draw_labels

    check_name(args.name)
    out = Path(args.out or args.name)
    check_place(out, args.force)
    files = [Path(each) for each in args.labels]
    labels = read_labels(files, args.pictures and Path(args.pictures), args.category)
    empty = sum(not picture.instances for picture in labels.pictures)
    labels = replace(labels, pictures=[each for each in labels.pictures if each.instances])
    boxes = args.boxes or default_look(labels)
    look = LOOKS[boxes]()
    look.check(labels)
    keypoints = keypoints_of(labels, args.swap, args.links)
    held_out = split_of(args).held_out([picture.path for picture in labels.pictures])
    flips = bool(keypoints.swap) and not args.no_flip
    new = NewDataset(args.name, labels, held_out, keypoints, boxes, look, flips)
    plan = plan_of(args, out)
    arguments = plan.arguments(new, machine())
    with dataset_folder(out, args.force) as folder:
        write_folder(folder, new, arguments, out, plan.function)
        draw_labels(labels.pictures, labels.names, keypoints.links, folder / 'labels.png')
    for line in summary(new, arguments, empty, out, plan.notes()):
        print(line)


def check_name(name: str) -> None:
    """Raises a ``UserError`` unless the name can be that of a dataset in a config."""
    if not name.isidentifier() or keyword.iskeyword(name) or name.startswith('_'):
        raise UserError(
            f'The name {name!r} cannot be used in a config: give letters, digits and underscores, '
            'with a letter first, for example mouse_2.'
        )
    if name in RESERVED or name.endswith(ENDINGS):
        raise UserError(f'The name {name} has a meaning in configs: give another one.')


def split_of(args: argparse.Namespace) -> 'Split':
    from vitpose_plus.datasets.labels import splitting

    if args.held_out is None:
        return splitting.SPLITS[args.split or SPLITS[0]](seed=args.seed or 0)
    if args.split or args.seed is not None:
        raise UserError('--held-out names the pictures: leave out --split and --seed.')
    return splitting.ListedSplit(Path(args.held_out))


def machine() -> 'Machine':
    """The machine of this process."""
    import torch

    from vitpose_plus.experiments.new_dataset.sizing import Machine

    allowed = getattr(os, 'sched_getaffinity', None)  # Linux only
    cores = len(allowed(0)) if allowed else os.cpu_count() or 1
    return Machine(cores, torch.cuda.is_available())


def plan_of(args: argparse.Namespace, out: Path) -> 'Plan':
    """What is trained: a new expert (``--expert-of``), or a plain model."""
    from vitpose_plus.experiments.new_dataset.plans import PlainModel

    if args.expert_of:
        return new_dataset_expert.new_expert(args, out)
    new_dataset_expert.check_unused(args)
    return PlainModel(initial_weights(args, out))


def initial_weights(args: argparse.Namespace, out: Path) -> 'InitialWeights | None':
    """The weights of ``--pretrained``, which may be downloaded; None: random weights."""
    from vitpose_plus.checkpoints.starts import find_start
    from vitpose_plus.experiments.new_dataset.folder import in_config
    from vitpose_plus.experiments.new_dataset.sizing import InitialWeights
    from vitpose_plus.experiments.own_dataset import PARENTS

    if args.pretrained is None:
        if args.expert:
            raise UserError('--expert is for initial weights: give --pretrained, too.')
        return None
    found = find_start(args.pretrained, args.expert)
    if found.arch not in PARENTS or found.patch['kernel_size'] != PATCH:
        raise UserError(
            f'{args.pretrained} has the size {found.arch} and patches of '
            f'{found.patch["kernel_size"]} pixels, but new-dataset writes configs of the sizes '
            f'{", ".join(PARENTS)} with patches of {PATCH} pixels: give other weights.'
        )
    path = Path(args.pretrained)
    name = in_config(path, out) if path.exists() else args.pretrained
    return InitialWeights(name, found.arch, found.expert)


def summary(
    new: 'NewDataset',
    arguments: 'dict[str, Sized]',
    empty: int,
    out: Path,
    notes: 'Iterable[str]' = (),
) -> 'Iterator[str]':
    """Yields lines about what was read, guessed and written."""
    from vitpose_plus.experiments.new_dataset.texts import FOLDER

    labels, keypoints = new.labels, new.keypoints
    instances = [one for picture in labels.pictures for one in picture.instances]
    without_box = sum(one.box is None for one in instances)
    yield f'{len(labels.pictures)} pictures, {len(instances)} instances:'
    if empty:
        yield f'{empty} pictures without labels are left out.'
    width = max(len(name) for name in labels.names)
    for name, count in labels.counts.items():
        partner = keypoints.swap.get(name, '')
        yield f'  {name:{width}}  labelled in {count}{f"  <-> {partner}" if partner else ""}'
    if keypoints.swap_comment:
        yield 'Partners (<->) were guessed from the names: they change places in mirrored pictures.'
    if not new.flips:
        yield 'Pictures are not mirrored, in training and in tests.'
    if not keypoints.links:
        yield 'There are no links: give --links ONE=OTHER ... to draw lines between keypoints.'
    yield f'The sigmas are {keypoints.sigma} (guessed): they only change AP.'
    yield f'{new.look.comment}.'
    if 0 < without_box < len(instances):
        yield f'{without_box} instances have no box in the labels.'
    yield f'Training: {len(new.training)} pictures. Held out: {len(new.held_out)} pictures.'
    for key, each in arguments.items():
        value = str(each.value).replace(FOLDER, str(out))
        yield f'  {key} = {value} ({each.reason})'
    yield from notes
    command = shlex.join(['vitpose', 'train', str(out)])
    yield f'Written: {out}. Check {out / "labels.png"}, then run: {command}'
