"""Split one dataset's plain model off a ViTPose+, with a config for mmpose's own estimator."""

import argparse
from pathlib import Path

from vitpose_plus import files
from vitpose_plus.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('checkpoint', help='a multi-dataset checkpoint of ours')
    parser.add_argument('dataset', help='the dataset to keep')
    parser.add_argument(
        'output', metavar='OUT', help='the file to write, with a config of the same name beside it'
    )
    parser.add_argument('--config', required=True, help="the checkpoint's config")
    parser.add_argument('--force', action='store_true', help='replace OUT if it exists')


def run(args: argparse.Namespace) -> None:
    from mmengine.registry import init_default_scope

    from vitpose_plus.checkpoints import reading, writing
    from vitpose_plus.checkpoints.splitting import split
    from vitpose_plus.experiments.catalogue import read_config

    config = Path(args.output).with_suffix('.py')
    if config == Path(args.output):
        raise UserError(f'{args.output} is the name of the config beside OUT: end OUT in .pth.')
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
