"""Make a dataset and a config for training from labels of your own keypoints."""

import argparse
import keyword
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from vitpose_plus.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vitpose_plus.datasets.labels.splitting import Split
    from vitpose_plus.experiments.new_dataset.folder import NewDataset
    from vitpose_plus.experiments.new_dataset.sizing import Machine, Sized, Start

BOXES = ('file', 'points', 'whole', 'refine')  # the keys of ``experiments.new_dataset.looks.LOOKS``
SPLITS = ('block', 'random', 'film')  # the keys of ``datasets.labels.splitting.SPLITS``
# Names in the config that is written; a dataset with such a name would replace them.
ENDINGS = ('_cfg', '_dataloader', '_evaluator', '_wrapper', '_hooks', '_scheduler', '_dir')
RESERVED = ('model', 'predict', 'datasets', 'augmentation', 'resume', 'visualizer')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('name', metavar='NAME', help='the name of the dataset, for example mouse')
    parser.add_argument(
        'labels',
        nargs='+',
        metavar='LABELS',
        help='files of labels, or folders of them: COCO keypoints, CVAT xml, Label Studio json, '
        'labelme json, DeepLabCut csv, or a table of picture,keypoint,x,y',
    )
    parser.add_argument(
        '--pictures', metavar='FOLDER', help='where the pictures are, if they were moved'
    )
    parser.add_argument(
        '--category',
        metavar='NAME',
        help='the kind of animal or object, if the labels have several',
    )
    parser.add_argument('--out', metavar='FOLDER', help='where to write [NAME]')
    parser.add_argument(
        '--boxes',
        choices=BOXES,
        help='the boxes of the training: those of the labels (file), around the points (points), '
        'the whole picture (whole), or both looks: first whole, then points (refine; one animal in '
        'a picture, no detector) [file if the labels have boxes, else points]',
    )
    parser.add_argument(
        '--split',
        choices=SPLITS,
        default='block',
        help='what is held out together: blocks of neighbouring frames, random pictures, or whole '
        'folders, each with the frames of a film [block]',
    )
    parser.add_argument(
        '--held-out', metavar='FILE', help='a text file with the pictures that are held out'
    )
    parser.add_argument(
        '--swap',
        nargs='+',
        type=pair,
        action='extend',
        default=[],
        metavar='LEFT=RIGHT',
        help='keypoints that change places in a mirrored picture [guessed from their names]',
    )
    parser.add_argument(
        '--no-flip', action='store_true', help='never mirror pictures, in training or in tests'
    )
    parser.add_argument(
        '--pretrained',
        metavar='NAME',
        help='initial weights of the backbone: a released name (vitpose weights), or a checkpoint '
        '(file or URL) of ViTPose or ViTPose+; they set the size of the model [random weights]',
    )
    parser.add_argument(
        '--expert',
        metavar='DATASET',
        help='the expert that is used, if the initial weights have several [the first]',
    )
    parser.add_argument('--seed', type=int, default=0, help='random seed of the split [0]')
    parser.add_argument('--force', action='store_true', help='replace what was written before')


def pair(text: str) -> tuple[str, str]:
    """The two names of ``LEFT=RIGHT``."""
    left, separator, right = text.partition('=')
    if not (left and separator and right):
        raise argparse.ArgumentTypeError(f'{text!r} is not LEFT=RIGHT')
    return left, right


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
    from vitpose_plus.experiments.new_dataset.sizing import size_training
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
    keypoints = keypoints_of(labels, args.swap)
    held_out = split_of(args).held_out([picture.path for picture in labels.pictures])
    flips = bool(keypoints.swap) and not args.no_flip
    new = NewDataset(args.name, labels, held_out, keypoints, boxes, look, flips)
    start = start_of(args)
    arguments = size_training(new.boxes_wh(), look.pixels, look.parts, start, machine())
    with dataset_folder(out, args.force) as folder:
        write_folder(folder, new, arguments, final=out)
        draw_labels(labels.pictures, labels.names, folder / 'labels.png')
    for line in summary(new, arguments, empty, out):
        print(line)


def check_name(name: str) -> None:
    """Raises a ``UserError`` unless the name can be that of a dataset in a config."""
    if not name.isidentifier() or keyword.iskeyword(name) or name.startswith('_'):
        raise UserError(
            f'The name {name!r} cannot be used in a config: give letters, digits and underscores, '
            'with a letter first, for example mouse_2.'
        )
    if name in RESERVED or name.endswith(
        ('_cfg', '_dataloader', '_evaluator', '_wrapper', '_hooks')
    ):
        raise UserError(f'The name {name} has a meaning in configs: give another one.')


def split_of(args: argparse.Namespace) -> 'Split':
    from vitpose_plus.datasets.labels.splitting import (
        BlockSplit,
        FilmSplit,
        ListedSplit,
        RandomSplit,
    )

    if args.held_out:
        return ListedSplit(Path(args.held_out))
    kinds = dict(block=BlockSplit, random=RandomSplit, film=FilmSplit)
    return kinds[args.split](seed=args.seed)


def machine() -> 'Machine':
    """The machine of this process."""
    import torch

    from vitpose_plus.experiments.new_dataset.sizing import Machine

    allowed = getattr(os, 'sched_getaffinity', None)  # Linux only
    cores = len(allowed(0)) if allowed else os.cpu_count() or 1
    return Machine(cores, torch.cuda.is_available())


def start_of(args: argparse.Namespace) -> 'Start | None':
    """The initial weights of ``--pretrained``, which may be downloaded; None: random weights."""
    from vitpose_plus.checkpoints.starts import find_start
    from vitpose_plus.experiments.new_dataset.folder import place
    from vitpose_plus.experiments.new_dataset.sizing import Start

    if args.pretrained is None:
        if args.expert:
            raise UserError('--expert is for initial weights: give --pretrained, too.')
        return None
    found = find_start(args.pretrained, args.expert)
    path = Path(args.pretrained)
    name = place(path.absolute(), Path.cwd()) if path.exists() else args.pretrained
    return Start(name, found.arch, found.expert)


def summary(
    new: 'NewDataset', arguments: 'dict[str, Sized]', empty: int, out: Path
) -> 'Sequence[str]':
    """Lines that say what was read, guessed and written."""
    labels = new.labels
    number = sum(len(picture.instances) for picture in labels.pictures)
    yield f'{len(labels.pictures)} pictures, {number} instances, {len(labels.names)} keypoints'
    if empty:
        yield f'  {empty} pictures without labels are left out'
    width = max(len(name) for name in labels.names)
    for name, count in labels.counts.items():
        partner = new.keypoints.swap.get(name, '')
        yield f'  {name:{width}}  {count:5} labels{f"  <-> {partner}" if partner else ""}'
    if not new.flips:
        yield 'Pictures are not mirrored, in training and in tests.'
    elif new.keypoints.swap_comment:
        yield 'Partners (<->) were guessed from the names: they change places in mirrored pictures.'
    if not labels.links:
        yield 'There are no links between keypoints: add them in dataset.py to draw lines.'
    yield f'Pictures of the training: {len(new.training)}'
    yield f'Pictures that are held out: {len(new.held_out)} ({out / "held_out.txt"})'
    yield f'Boxes: {new.look.comment}'
    for key, each in arguments.items():
        yield f'  {key:<10} {each.value}: {each.reason}'
    yield f'Written: {out}. Look at {out / "labels.png"} first, then run: vitpose train {out}'
