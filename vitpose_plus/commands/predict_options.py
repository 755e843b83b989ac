"""The options of ``predict``."""

import argparse

from vitpose_plus.commands import speed_options
from vitpose_plus.commands.runs import add_launcher
from vitpose_plus.inference.defaults import BOX_SCORE, BOXES, MODEL, SCORE

# The keys of ``inference.formats.FORMATS``.
FORMATS = ('ndjson', 'csv', 'parquet', 'coco', 'dlc', 'openpose')
SMOOTHERS = ('one-euro', 'savgol')  # the keys of ``inference.smoothing.SMOOTHERS``


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'sources',
        nargs='+',
        metavar='SOURCE',
        help='a picture, film, folder, glob, URL or camera:N; @FILE: a list; -: a picture on stdin',
    )
    add_model(parser)
    add_boxes(parser)
    _add_films(parser)
    _add_results(parser)
    add_frames(parser)
    parser.add_argument('--no-draw', action='store_true', help='write no pictures with skeletons')
    parser.add_argument(
        '--flip-test',
        action='store_true',
        help='average the predictions of each crop and its mirror image: slightly better, but '
        'takes twice as long',
    )
    parser.add_argument(
        '--quality',
        action='store_true',
        help='add two numbers to every keypoint, which are large if it may be wrong: the distance '
        'to the keypoint of the mirrored crop, and the spread of the heatmap, in pixels; takes '
        'twice as long, or as long as --flip-test',
    )
    add_speed(parser)
    add_launcher(parser)
    parser.add_argument(
        '--force',
        action='store_true',
        help='remove earlier predictions in --out; without it, the same command resumes',
    )


def add_model(parser: argparse.ArgumentParser) -> None:
    """Adds the options that name the model."""
    parser.add_argument(
        '--model',
        default=MODEL,
        metavar='NAME',
        help='a released name (vitpose weights), a config, a training folder, or a file of '
        f'vitpose export [{MODEL}]',
    )
    parser.add_argument(
        '--checkpoint', metavar='FILE', help='the weights (file or URL), if --model is a config'
    )
    parser.add_argument(
        '--dataset',
        metavar='NAME',
        help="the dataset whose keypoints are predicted: one of the model's datasets, or "
        'CLASS=NAME,CLASS=NAME for the classes of the boxes, for example '
        'person=coco_wholebody,animal=ap10k [coco, or the only dataset of the model]',
    )


def add_boxes(parser: argparse.ArgumentParser) -> None:
    """Adds the options of the boxes."""
    parser.add_argument(
        '--boxes',
        metavar='NAME',
        help='boxes of people and animals: the name of a detector, the training folder of one, a '
        'json or csv file, whole (the whole picture), or refine (for one animal: the whole '
        "picture, then the box around its keypoints) [the default of the model's config, else "
        f'{BOXES}]',
    )
    parser.add_argument(
        '--annotations',
        metavar='FILE',
        help='the annotation file that contains the names of the pictures, if --boxes is a list '
        'of detections, which contains only their ids',
    )
    parser.add_argument(
        '--box-score',
        type=fraction,
        default=BOX_SCORE,
        metavar='SCORE',
        help=f'ignore detections with a lower score [{BOX_SCORE}]',
    )


def _add_films(parser: argparse.ArgumentParser) -> None:
    """Adds the options for sequences of frames."""
    parser.add_argument(
        '--detect-every',
        type=int,
        default=1,
        metavar='N',
        help='detect people and animals in every N-th frame of films; in between, boxes come from '
        'the keypoints of the frame before [1]',
    )
    parser.add_argument(
        '--track',
        action='store_true',
        help='give every person and animal of a film an id that stays the same in all frames',
    )
    parser.add_argument(
        '--smooth',
        nargs='?',
        const=SMOOTHERS[0],
        choices=SMOOTHERS,
        metavar='NAME',
        help='with --track or --boxes refine: smooth the keypoints of films with one-euro (uses '
        'earlier frames) or savgol (also uses the next 5 frames); write it after SOURCE [--smooth '
        'alone: one-euro]',
    )
    parser.add_argument(
        '--fill',
        type=int,
        default=0,
        metavar='N',
        help='with --track or --boxes refine: fill gaps of up to N frames; keeps N pictures in '
        'memory [0]',
    )


def _add_results(parser: argparse.ArgumentParser) -> None:
    """Adds the options of what is written."""
    parser.add_argument(
        '--out', default='predictions', metavar='FOLDER', help='where to write [predictions]'
    )
    parser.add_argument(
        '--format',
        nargs='+',
        choices=FORMATS,
        default=['ndjson'],
        metavar='FORMAT',
        help=f'one or several of {", ".join(FORMATS)}; ndjson is always written [ndjson]',
    )
    parser.add_argument(
        '--score',
        type=fraction,
        default=SCORE,
        help='keypoints with a higher score are drawn, and are visible in annotations.coco.json '
        f'[{SCORE}]',
    )


def add_frames(parser: argparse.ArgumentParser) -> None:
    """Adds the options that select the frames of films."""
    parser.add_argument(
        '--from', dest='start', type=float, metavar='SECONDS', help='first time of films [start]'
    )
    parser.add_argument(
        '--to', dest='stop', type=float, metavar='SECONDS', help='last time of films [end]'
    )
    parser.add_argument(
        '--every', type=int, default=1, metavar='N', help='use every N-th frame of films [1]'
    )


def add_speed(parser: argparse.ArgumentParser) -> None:
    """Adds the options of the device and the speed."""
    parser.add_argument('--device', default='auto', help='auto, cpu or cuda:N [auto]')
    speed_options.add_arguments(parser, 'auto')
    parser.add_argument(
        '--batch-size',
        type=number_or_auto,
        default='auto',
        metavar='N',
        help='crops in a batch, or auto [auto]',
    )


def fraction(text: str) -> float:
    """A number from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f'{text!r} is not a number from 0 to 1')
    return value


def number_or_auto(text: str) -> int | str:
    if text == 'auto':
        return text
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f'{text!r} is neither auto nor an integer above 0')
    return int(text)
