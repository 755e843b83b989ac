"""Convert a checkpoint between the layouts of the authors, mmpose, Hugging Face, MAE and ours."""

import argparse

from vitpose_plus import files

# The keys of ``checkpoints.layouts.LAYOUTS``. MAE's layouts can be read, not written.
TARGETS = ('official', 'mmpose', 'hf', 'vitpose_plus')
SOURCES = (*TARGETS, 'mae', 'mae_vitae')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'input', metavar='IN', help='a file, or a folder in the format of Hugging Face'
    )
    parser.add_argument('output', metavar='OUT', help='the file to write (for hf: the folder)')
    parser.add_argument('--source', choices=SOURCES, help='the layout of IN [detected by its keys]')
    parser.add_argument(
        '--target', choices=TARGETS, default='vitpose_plus', help='the layout of OUT [ours]'
    )
    parser.add_argument('--config', help='the config of the model that is written')
    parser.add_argument(
        '--dataset', help='convert the plain model of this dataset only: its expert and head'
    )
    parser.add_argument('--force', action='store_true', help='replace OUT if it exists')


def run(args: argparse.Namespace) -> None:
    from mmengine.registry import init_default_scope

    from vitpose_plus.checkpoints.file_conversion import convert_file

    files.refuse_same(args.input, args.output)
    if args.target != 'hf':
        files.check_output(args.output)
    init_default_scope('mmpose')
    convert_file(
        args.input, args.output, args.source, args.target, args.config, args.dataset, args.force
    )
