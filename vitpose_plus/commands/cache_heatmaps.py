"""Write the heatmaps that a teacher predicts for every training sample, for a CachedTeacher."""

import argparse
import os

from vitpose_plus import files
from vitpose_plus.commands import runs
from vitpose_plus.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    runs.add_arguments(parser)
    parser.add_argument('out', metavar='FOLDER', help='the folder to write')


def run(args: argparse.Namespace) -> None:
    from rich.progress import track

    from vitpose_plus.distillation.caching import cache_training_set
    from vitpose_plus.engine import preflight
    from vitpose_plus.engine.pictures import naming_broken_pictures

    if os.path.lexists(args.out):
        raise UserError(f'{args.out} exists: give another name, or move it away.')
    files.check_output(args.out)
    cfg = runs.load_config(args)
    preflight.check(cfg, ('train',))
    with naming_broken_pictures():
        number = cache_training_set(cfg, args.out, track)
    print(f'Written: {args.out}, heatmaps of {number} samples.')
