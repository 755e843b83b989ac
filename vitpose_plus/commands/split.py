"""Split one dataset's plain model off a ViTPose+, with a config for mmpose's own estimator."""

import argparse
from pathlib import Path

from mmengine.config import Config
from mmengine.registry import init_default_scope

from vitpose_plus.checkpoints import check_file, files
from vitpose_plus.checkpoints.splitting import split
from vitpose_plus.shipped import build_on_meta, find_config


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('checkpoint', help='a multi-dataset checkpoint of ours')
    parser.add_argument('dataset', help='the dataset to keep')
    parser.add_argument(
        'output', metavar='OUT', help='the file to write, with a config of the same name beside it'
    )
    parser.add_argument('--config', required=True, help="the checkpoint's config")
    parser.add_argument('--force', action='store_true', help='replace OUT if it exists')


def run(args: argparse.Namespace) -> None:
    config = Path(args.output).with_suffix('.py')
    for path in (args.output, config):
        files.refuse_existing(path, args.force)
    init_default_scope('mmpose')
    cfg = Config.fromfile(find_config(args.config))
    check_file(args.checkpoint, build_on_meta(cfg.model))
    plain, plain_cfg = split(files.read(args.checkpoint), cfg, args.dataset)
    files.write(args.output, plain)
    with files.replacing(config) as part:
        plain_cfg.dump(part)
    print(f'Written: {args.output} and {config}.')
