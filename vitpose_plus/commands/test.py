"""Test a checkpoint with the datasets and metrics of a config."""

import argparse

import mmengine

from vitpose_plus.commands import running


def add_arguments(parser: argparse.ArgumentParser) -> None:
    running.add_arguments(parser)
    parser.add_argument('checkpoint', help='the weights to test')
    parser.add_argument('--out', metavar='JSON', help='write the metrics into this file, too')
    parser.add_argument('--show-dir', help='write pictures of the predictions into this folder')


def run(args: argparse.Namespace) -> None:
    cfg = running.load_config(args)
    cfg.load_from = args.checkpoint
    if args.show_dir:
        cfg.default_hooks.visualization.update(enable=True, out_dir=args.show_dir, interval=1)
    metrics = running.build_runner(cfg, ('test',)).test()
    if args.out:
        mmengine.dump(metrics, args.out, indent=2)
