"""Make the initial weights of a ViTPose+ from a plain checkpoint; all experts are equal."""

import argparse

from vitpose_plus import files


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('checkpoint', help='a plain checkpoint in our layout, or only a backbone')
    parser.add_argument('output', metavar='OUT', help='the file to write')
    parser.add_argument('--config', required=True, help='the config of the ViTPose+')
    parser.add_argument(
        '--dataset', help='the dataset of the head in the checkpoint; other heads start at random'
    )
    parser.add_argument('--force', action='store_true', help='replace OUT if it exists')


def run(args: argparse.Namespace) -> None:
    from mmengine.registry import init_default_scope

    from vitpose_plus.checkpoints import reading, writing
    from vitpose_plus.checkpoints.splitting import expand
    from vitpose_plus.experiments.catalogue import read_config

    writing.check_file(args.output, [args.checkpoint], args.force)
    init_default_scope('mmpose')
    cfg = read_config(args.config)
    given = reading.read(args.checkpoint)
    with files.about(args.checkpoint):
        expanded = expand(given, cfg, args.dataset)
    writing.write(args.output, expanded)
    print(f'Written: {args.output}.')
