"""Draw the losses, learning rates and metrics of one or several trainings."""

import argparse
import os.path as osp

from vitpose_plus import files

ENDINGS = ('.png', '.pdf', '.svg')
LOGARITHMIC = ('loss', 'learning rate')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('work_dirs', nargs='+', metavar='WORK_DIR', help='a training folder')
    parser.add_argument(
        '--out', default='plot.png', metavar='FILE', help='the plot: png, pdf or svg [plot.png]'
    )


def run(args: argparse.Namespace) -> None:
    from vitpose_plus.engine.scalars import read_curves
    from vitpose_plus.visualization.curves import draw_curves

    files.check_output(args.out, ENDINGS)
    panels: dict[str, dict] = {}
    units: dict[str, str] = {}
    for folder, name in labels(args.work_dirs).items():
        for quantity, curve in read_curves(folder).items():
            panels.setdefault(quantity, {})[name] = curve.values
            units.setdefault(quantity, curve.unit)
    with files.replacing(args.out) as new:
        draw_curves(panels, units, new, LOGARITHMIC)
    print(args.out)


def labels(folders: list[str]) -> dict[str, str]:
    """Returns the folders and their last names; the paths, if two folders have the same name."""
    names = {folder: osp.basename(osp.abspath(folder)) for folder in folders}
    several = len(set(names.values())) < len(names)
    return {folder: folder if several else name for folder, name in names.items()}
