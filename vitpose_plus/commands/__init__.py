"""The command line: one short module for each command, imported only when the command is called.

The module of a command has a docstring (its help), ``add_arguments(parser)`` and ``run(args)``. It
may have ``parse(parser, words)``, which replaces ``ArgumentParser.parse_args``. ``run`` may return
an exit code. The imports at the top of the module do not load torch, so that help and errors in
options are printed at once. Before ``run``, OpenMMLab's packages are loaded and the classes of this
package are registered, unless the module sets ``NEEDS_STACK = False``.
"""

import argparse
import importlib
import os
import sys
import warnings
from types import ModuleType

from vitpose_plus import compat
from vitpose_plus.errors import RunError, UserError
from vitpose_plus.registration import register
from vitpose_plus.version import __version__

# Warnings of OpenMMLab's packages and xtcocotools that appear in every run and need no action.
HARMLESS = '|'.join(
    [
        # mmpose names a file of its own package; our checks refuse other missing files.
        r'The metainfo config file "configs/_base_/datasets/\w+\.py" does not exist',
        'Use the existing "bbox_center"',  # MPII's annotations contain centre and scale
        "'.*_score' not found",  # the parts of a whole body have the score of the person
        'pkg_resources is deprecated',  # setuptools is pinned
        r'`torch\.cuda\.amp\.autocast\(args\.\.\.\)` is deprecated',  # mmdet's
        r'torch\.meshgrid: in an upcoming release',  # mmdet's
    ]
)
COMMANDS = (
    'new-dataset',
    'train',
    'plot',
    'test',
    'predict',
    'suggest',
    'export',
    'benchmark',
    'app',
    'weights',
    'convert',
    'split',
    'join',
    'expand',
    'prepare-data',
    'check-data',
    'cache-heatmaps',
    'reconstruct',
    'figures',
    'demo',
    'env',
)


def main(argv: list[str] | None = None, command: str | None = None) -> None:
    """Runs a command; an error prints one sentence and exits with 2 (bad input) or 1 (failed run).

    Args:
        argv: The arguments; by default those of the process.
        command: The command, for a script that runs only one; by default the first argument.
    """
    words = sys.argv[1:] if argv is None else list(argv)
    if command is None:
        command, words = _command(words)
    module = _module(command)
    parser = argparse.ArgumentParser(prog=f'vitpose {command}', description=module.__doc__)
    module.add_arguments(parser)
    parse = getattr(module, 'parse', argparse.ArgumentParser.parse_args)
    args = parse(parser, words)
    warnings.filterwarnings('ignore', HARMLESS)
    try:
        _refuse_empty(args)
        if getattr(module, 'NEEDS_STACK', True):
            _load_stack()
        code = module.run(args)
        sys.stdout.flush()
    except UserError as error:
        sys.exit(_fail(error, 2))
    except RunError as error:
        sys.exit(_fail(error, 1))
    except KeyboardInterrupt:
        sys.exit(_fail('stopped by Ctrl-C.', 130))
    except BrokenPipeError:  # the program that reads the output has ended, for example head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # drops the remaining output
        sys.exit(128 + 13)  # the exit code of a process that SIGPIPE stops
    if code:
        sys.exit(code)


def _refuse_empty(args: argparse.Namespace) -> None:
    """Refuses empty arguments, which usually come from an unset variable of a script."""
    for name, value in vars(args).items():
        for word in value if isinstance(value, list) else [value]:
            if isinstance(word, str) and not word.strip():
                raise UserError(f'The argument {name} is empty: give a value, or leave it out.')


def _command(words: list[str]) -> tuple[str, list[str]]:
    """Returns the command and its arguments, or prints help, version or an error and exits."""
    if words and words[0] in COMMANDS:
        return words[0], words[1:]
    parser = argparse.ArgumentParser(
        prog='vitpose', description='ViTPose and ViTPose+ for mmpose: pose estimation.'
    )
    parser.add_argument('--version', action='version', version=f'vitpose_plus {__version__}')
    commands = parser.add_subparsers(required=True, metavar='COMMAND', dest='command')
    for name in COMMANDS:
        commands.add_parser(name, help=_module(name).__doc__, add_help=False)
    args, rest = parser.parse_known_args(words)
    return args.command, rest


def _module(command: str) -> ModuleType:
    return importlib.import_module(f'vitpose_plus.commands.{command.replace("-", "_")}')


def _load_stack() -> None:
    try:
        register()
    except ImportError as error:
        sys.exit(_fail(error, 1))
    compat.format_configs_once()


def _fail(error: Exception | str, code: int) -> int:
    print(f'error: {error}', file=sys.stderr)
    return code
