"""The options of ``suggest``."""

import argparse

from vitpose_plus.commands import predict_options

FORMATS = ('coco', 'labelme', 'label-studio')  # the keys of ``datasets.labels.writers.WRITERS``
COUNT = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'sources',
        nargs='+',
        metavar='SOURCE',
        help='a film, a folder of films or pictures, a pattern, or @FILE: a list',
    )
    predict_options.add_model(parser)
    predict_options.add_boxes(parser)
    parser.add_argument(
        '--count',
        type=positive,
        default=COUNT,
        metavar='N',
        help=f'the number of pictures to suggest [{COUNT}]',
    )
    parser.add_argument(
        '--labelled',
        nargs='+',
        default=[],
        metavar='LABELS',
        help='the folder of a dataset that new-dataset wrote, or files of labels: their pictures '
        'are not suggested, nor pictures that are similar to them',
    )
    parser.add_argument(
        '--pictures',
        metavar='FOLDER',
        help='where the pictures of files in --labelled are, if they were moved',
    )
    parser.add_argument(
        '--category',
        metavar='NAME',
        help='the kind of animal or object, if files in --labelled have several',
    )
    parser.add_argument('--out', required=True, metavar='FOLDER', help='where to write')
    parser.add_argument(
        '--format',
        choices=FORMATS,
        default=FORMATS[0],
        help='the format of the labels: coco (for CVAT), labelme or label-studio [coco]',
    )
    predict_options.add_frames(parser)
    predict_options.add_speed(parser)
    parser.add_argument(
        '--force', action='store_true', help='replace suggestions that were written before'
    )


def positive(text: str) -> int:
    """An integer above 0."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f'{text!r} is not an integer above 0')
    return int(text)
