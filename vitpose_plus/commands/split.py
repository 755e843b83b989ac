"""Extract a dataset's plain model from a ViTPose+, or its part, which ``join`` adds to another."""

import argparse
from typing import TYPE_CHECKING

from vitpose_plus import files
from vitpose_plus.errors import UserError

if TYPE_CHECKING:
    from mmengine.config import Config

    from vitpose_plus.checkpoints.layouts.layout import State


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('checkpoint', help='a checkpoint of several datasets in our layout')
    parser.add_argument('dataset', nargs='?', help='the dataset to keep, as a plain model')
    parser.add_argument(
        'output', metavar='OUT', help='the file to write; its config has the same name, with .py'
    )
    parser.add_argument(
        '--part',
        metavar='NAME',
        help='instead of DATASET: write the expert and the head of this dataset, for join',
    )
    parser.add_argument(
        '--config', help='the config of the checkpoint; by default the one beside it'
    )
    parser.add_argument('--force', action='store_true', help='replace OUT if it exists')


def parse(parser: argparse.ArgumentParser, words: list[str]) -> argparse.Namespace:
    """Options may stand between the positional arguments, of which one is optional."""
    return parser.parse_intermixed_args(words)


def run(args: argparse.Namespace) -> None:
    from mmengine.registry import init_default_scope

    from vitpose_plus.checkpoints import reading, writing
    from vitpose_plus.checkpoints.beside import config_of

    if (args.part is None) == (args.dataset is None):
        raise UserError(
            'Give either DATASET, to write its plain model, or --part NAME, to write a part file.'
        )
    given = [args.checkpoint, *([args.config] if args.config else [])]
    if args.part is None:
        writing.check_pair(args.output, given, args.force)
    else:
        writing.check_file(args.output, given, args.force)
    init_default_scope('mmpose')
    state = reading.read(args.checkpoint)
    cfg = config_of(args.checkpoint, args.config)
    with files.about(args.checkpoint):
        written = _plain(args, state, cfg) if args.part is None else _part(args, state, cfg)
    print(f'Written: {written}.')


def _plain(args: argparse.Namespace, state: 'State', cfg: 'Config') -> str:
    """Writes the plain model, and returns what was written."""
    from vitpose_plus.checkpoints import writing
    from vitpose_plus.checkpoints.splitting import split

    config = writing.write_pair(args.output, *split(state, cfg, args.dataset))
    return f'{args.output} and {config}'


def _part(args: argparse.Namespace, state: 'State', cfg: 'Config') -> str:
    """Writes the part, and returns what was written."""
    from vitpose_plus.checkpoints.parts import take_part, write_part

    write_part(args.output, take_part(state, cfg, args.part))
    return args.output
