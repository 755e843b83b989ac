"""The options of ``new-dataset``."""

import argparse

from vitpose_plus.commands import new_dataset_adding, new_dataset_expert

# The keys of ``LOOKS`` and ``SPLITS``, which are imported only when the command runs.
BOXES = ('file', 'points', 'whole', 'refine')
SPLITS = ('block', 'random', 'film')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('name', metavar='NAME', help='the name of the dataset, for example mouse')
    labels = parser.add_argument(
        'labels',
        nargs='+',
        default=[],
        metavar='LABELS',
        help='files of labels, or folders of them: COCO keypoints, CVAT xml, Label Studio json, '
        'labelme json, DeepLabCut csv, or a table of picture,keypoint,x,y',
    )
    new_dataset_adding.add_arguments(parser, labels)
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
        'a picture, no detector) [file if every label has a box, else points]',
    )
    parser.add_argument(
        '--split',
        choices=SPLITS,
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
        help='keypoints that change places in a mirrored picture, besides those that are guessed '
        'from the names',
    )
    parser.add_argument(
        '--links',
        nargs='+',
        type=pair,
        action='extend',
        default=[],
        metavar='ONE=OTHER',
        help='draw a line between two keypoints',
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
    new_dataset_expert.add_arguments(parser)
    parser.add_argument('--seed', type=int, help='random seed of the split [0]')
    parser.add_argument('--force', action='store_true', help='replace what was written before')


def pair(text: str) -> tuple[str, str]:
    """The two names of ``ONE=OTHER``."""
    left, separator, right = text.partition('=')
    if not (left and separator and right):
        raise argparse.ArgumentTypeError(f'{text!r} is not ONE=OTHER')
    return left, right
