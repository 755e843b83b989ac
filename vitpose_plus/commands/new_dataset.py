"""Make a dataset and a config for training from labels of your own keypoints."""

import argparse
import keyword
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from vitpose_plus.commands import new_dataset_expert
from vitpose_plus.commands.new_dataset_adding import added_labels
from vitpose_plus.commands.new_dataset_options import SPLITS, add_arguments
from vitpose_plus.commands.new_dataset_summary import summary
from vitpose_plus.errors import UserError

if TYPE_CHECKING:
    from vitpose_plus.datasets.labels.splitting import Split
    from vitpose_plus.experiments.new_dataset.options import Options
    from vitpose_plus.experiments.new_dataset.plans import Plan
    from vitpose_plus.experiments.new_dataset.recording import Collected
    from vitpose_plus.experiments.new_dataset.sizing import InitialWeights, Machine

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
    from vitpose_plus.experiments.new_dataset.folder import NewDataset, keypoints_of, write_folder
    from vitpose_plus.experiments.new_dataset.looks import LOOKS
    from vitpose_plus.experiments.new_dataset.places import check_place, dataset_folder
    from vitpose_plus.experiments.new_dataset.recording import write_options
    from vitpose_plus.visualization.labels import draw_labels

    check_name(args.name)
    out = Path(args.out or args.name)
    replaces = args.force or args.add is not None
    check_place(out, replaces)
    given = first_labels(args) if args.add is None else added_labels(args, out)
    options, labels = given.options, given.labels
    look = LOOKS[options.boxes]()
    look.check(labels)
    keypoints = keypoints_of(labels, options.swap, options.links)
    flips = bool(keypoints.swap) and not options.no_flip
    new = NewDataset(
        args.name, labels, given.held_out, keypoints, options.boxes, look, flips, options.below
    )
    plan = plan_of(options, out)
    arguments = plan.arguments(new, machine())
    with dataset_folder(out, replaces) as folder:
        write_folder(folder, new, arguments, out, plan.function)
        write_options(folder, options, out)
        draw_labels(labels.pictures, labels.names, keypoints.links, folder / 'labels.png')
    for line in summary(new, arguments, given.notes, out, plan.notes()):
        print(line)


def first_labels(args: argparse.Namespace) -> 'Collected':
    """Reads the labels of a new dataset, and splits them."""
    from vitpose_plus.datasets.labels.reading import LabelFiles, read_groups
    from vitpose_plus.datasets.labels.splitting import common_folder
    from vitpose_plus.experiments.new_dataset.looks import default_look
    from vitpose_plus.experiments.new_dataset.options import Options
    from vitpose_plus.experiments.new_dataset.recording import Collected

    split = split_of(args)
    files = LabelFiles(tuple(map(Path, args.labels)), args.pictures and Path(args.pictures))
    [labels] = read_groups([files], args.category)
    empty = sum(not picture.instances for picture in labels.pictures)
    labels = replace(labels, pictures=labels.labelled_pictures)
    paths = [picture.path for picture in labels.pictures]
    kept = ('category', 'no_flip', 'pretrained', 'expert', 'expert_of', 'like', 'train')
    options = Options(
        args.name,
        files,
        common_folder(paths),
        args.boxes or default_look(labels),
        swap=args.swap,
        links=args.links,
        **{key: getattr(args, key) for key in kept},
    )
    notes = [f'{empty} pictures without labels are left out.'] if empty else []
    return Collected(options, labels, split.held_out(paths), notes)


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


def plan_of(options: 'Options', out: Path) -> 'Plan':
    """What is trained: a new expert (``--expert-of``), or a plain model."""
    from vitpose_plus.experiments.new_dataset.plans import PlainModel

    if options.expert_of:
        return new_dataset_expert.new_expert(options, out)
    new_dataset_expert.check_unused(options)
    return PlainModel(initial_weights(options, out))


def initial_weights(options: 'Options', out: Path) -> 'InitialWeights | None':
    """The weights of ``--pretrained``, which may be downloaded; None: random weights."""
    from vitpose_plus.checkpoints.starts import find_start
    from vitpose_plus.experiments.new_dataset.places import in_config
    from vitpose_plus.experiments.new_dataset.sizing import InitialWeights
    from vitpose_plus.experiments.own_dataset import PARENTS

    if options.pretrained is None:
        if options.expert:
            raise UserError('--expert is for initial weights: give --pretrained, too.')
        return None
    found = find_start(options.pretrained, options.expert)
    if found.arch not in PARENTS or found.patch['kernel_size'] != PATCH:
        raise UserError(
            f'{options.pretrained} has the size {found.arch} and patches of '
            f'{found.patch["kernel_size"]} pixels, but new-dataset writes configs of the sizes '
            f'{", ".join(PARENTS)} with patches of {PATCH} pixels: give other weights.'
        )
    name = in_config(options.pretrained, out)
    return InitialWeights(name, found.arch, found.expert)
