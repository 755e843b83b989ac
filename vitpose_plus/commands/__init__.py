"""What stands behind each word of ``python -m vitpose_plus``: one short module a command.

A command module has a docstring (its help), ``add_arguments(parser)`` and ``run(args)``.
"""

import argparse
import importlib
import sys
import warnings
from types import ModuleType

from vitpose_plus.errors import UserError

# Said by mmpose and xtcocotools on every run, of things that are as they should be.
HARMLESS = '|'.join(
    [
        'The metainfo config file',  # it takes the one of its own package
        'Use the existing "bbox_center"',  # MPII gives centre and scale
        "'.*_score' not found",  # whole-body parts have the score of the person
    ]
)
COMMANDS = (
    'train',
    'test',
    'convert',
    'split',
    'expand',
    'prepare-data',
    'check-data',
    'cache-heatmaps',
    'reconstruct',
    'figures',
    'demo',
)


def main(argv: list[str] | None = None, command: str | None = None) -> None:
    """Runs a command; bad input ends it with one sentence on stderr and exit code 2.

    Args:
        argv: The arguments; the process's own by default.
        command: The command, for scripts that stand for one; else the first argument.
    """
    parser = argparse.ArgumentParser(prog=f'python -m vitpose_plus {command or ""}'.strip())
    if command:
        _set_up(parser, command)
    else:
        words = parser.add_subparsers(required=True, metavar='COMMAND')
        for name in COMMANDS:
            doc = _module(name).__doc__
            _set_up(words.add_parser(name, help=doc, description=doc), name)
    args = parser.parse_args(argv)
    warnings.filterwarnings('ignore', HARMLESS)
    try:
        args.run(args)
    except UserError as error:
        sys.exit(_fail(error))


def _set_up(parser: argparse.ArgumentParser, command: str) -> None:
    module = _module(command)
    module.add_arguments(parser)
    parser.set_defaults(run=module.run)


def _module(command: str) -> ModuleType:
    return importlib.import_module(f'vitpose_plus.commands.{command.replace("-", "_")}')


def _fail(error: UserError) -> int:
    print(f'error: {error}', file=sys.stderr)
    return 2
