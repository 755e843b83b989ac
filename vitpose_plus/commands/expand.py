"""Make a plain checkpoint the start of a ViTPose+ whose experts are all equal."""

import argparse

from mmengine.config import Config
from mmengine.registry import init_default_scope

from vitpose_plus.checkpoints import files
from vitpose_plus.checkpoints.splitting import expand
from vitpose_plus.shipped import find_config


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('checkpoint', help='a plain checkpoint of ours, or a backbone only')
    parser.add_argument('output', metavar='OUT', help='the file to write')
    parser.add_argument('--config', required=True, help='the config of the ViTPose+')
    parser.add_argument(
        '--dataset', help="whose head the checkpoint has; the others' start at random"
    )
    parser.add_argument('--force', action='store_true', help='replace OUT if it exists')


def run(args: argparse.Namespace) -> None:
    files.refuse_existing(args.output, args.force)
    init_default_scope('mmpose')
    cfg = Config.fromfile(find_config(args.config))
    files.write(args.output, expand(files.read(args.checkpoint), cfg, args.dataset))
    print(f'Written: {args.output}.')
