"""Extract the plain model of one dataset from a ViTPose+, with a config for mmpose's estimator."""

import argparse
from pathlib import Path

from vitpose_plus import files
from vitpose_plus.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('checkpoint', help='a checkpoint of several datasets in our layout')
    parser.add_argument('dataset', help='the dataset to keep')
    parser.add_argument(
        'output', metavar='OUT', help='the file to write; its config has the same name, with .py'
    )
    parser.add_argument('--config', required=True, help='the config of the checkpoint')
    parser.add_argument('--force', action='store_true', help='replace OUT if it exists')


def run(args: argparse.Namespace) -> None:
    from mmengine.registry import init_default_scope

    from vitpose_plus.checkpoints import reading, writing
    from vitpose_plus.checkpoints.splitting import split
    from vitpose_plus.experiments.catalogue import read_config

    config = Path(args.output).with_suffix('.py')
    if config == Path(args.output):
        raise UserError(
            f'{args.output} is the name of the config that is written beside OUT: give OUT a name '
            'that ends in .pth.'
        )
    for path in (args.output, config):
        files.refuse_existing(path, args.force)
        files.refuse_same(args.checkpoint, path)
        files.refuse_same(args.config, path)
        files.check_output(path)
    init_default_scope('mmpose')
    cfg = read_config(args.config)
    given = reading.read(args.checkpoint)
    with files.about(args.checkpoint):
        plain, plain_cfg = split(given, cfg, args.dataset)
    with files.replacing(args.output) as weights, files.replacing(config) as settings:
        plain_cfg.dump(settings)
        writing.save(weights, plain)
    print(f'Written: {args.output} and {config}.')
