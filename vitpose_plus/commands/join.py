"""Add a dataset's part (its expert and head) to a ViTPose+; the other datasets stay as they are."""

import argparse
from typing import Any

from vitpose_plus import files


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('plus', metavar='PLUS', help='the checkpoint of a ViTPose+ in our layout')
    parser.add_argument(
        'part',
        metavar='PART',
        help='the part file that split --part wrote, or a checkpoint of a training of one expert',
    )
    parser.add_argument(
        'output', metavar='OUT', help='the file to write; its config has the same name, with .py'
    )
    parser.add_argument(
        '--config', help='the config of PLUS; by default the one beside it, with the same name'
    )
    parser.add_argument('--force', action='store_true', help='replace OUT if it exists')


def run(args: argparse.Namespace) -> None:
    from mmengine.registry import init_default_scope

    from vitpose_plus.checkpoints import reading, writing
    from vitpose_plus.checkpoints.beside import config_of
    from vitpose_plus.checkpoints.parts import join

    given = [args.plus, args.part, *([args.config] if args.config else [])]
    config = writing.check_pair(args.output, given, args.force)
    init_default_scope('mmpose')
    state = reading.read(args.plus)
    cfg = config_of(args.plus, args.config)
    part, source = _part(args.part)
    with files.about(f'{args.plus} and {args.part}'):
        joined, joined_cfg = join(state, cfg, part, source)
    writing.write_pair(args.output, joined, joined_cfg)
    print(f'Written: {args.output} and {config}.')


def _part(path: str) -> tuple[Any, Any]:
    """The part in a file, and the config of its training; None without a training."""
    from vitpose_plus.checkpoints import reading
    from vitpose_plus.checkpoints.beside import config_file_of
    from vitpose_plus.checkpoints.opening import content_of
    from vitpose_plus.checkpoints.parts import is_part, part_of, take_part
    from vitpose_plus.errors import UserError
    from vitpose_plus.experiments.catalogue import read_config

    content = content_of(path)
    if is_part(content):
        return part_of(content, path), None
    state = reading.read(path)
    try:
        config = config_file_of(path)
    except UserError as error:
        raise UserError(
            f'{path} is no part file, and no config of its training is beside it: give a part file '
            '(vitpose split --part), or the checkpoint in its training folder.'
        ) from error
    source = read_config(str(config))
    heads = [head['dataset'] for head in source.model.get('head', {}).get('heads', [])]
    if len(heads) != 1:
        raise UserError(
            f'{path} is a model of {len(heads) or "no"} named datasets: take one out with vitpose '
            'split --part NAME, and give that file.'
        )
    with files.about(path):
        return take_part(state, source, heads[0]), source
