"""Loads OpenMMLab's packages and registers the classes of this package in them.

This is done when a program imports ``vitpose_plus``, also through ``custom_imports`` in a config.
Only the package's own command does it later, when a command needs it: so ``--help`` and messages
about wrong options appear at once.
"""

import importlib
import sys
from functools import cache

from vitpose_plus import compat, moved

# The subpackages that register classes.
REGISTERING = (
    'codecs',
    'models',
    'datasets',
    'checkpoints',
    'distillation',
    'evaluation',
    'engine',
    'reports',
)
SCRIPTS = ('vitpose', 'vitpose.exe', 'vitpose-script.py')  # possible names of the console script


def is_own_command() -> bool:
    """Whether the interpreter was started as ``python -m vitpose_plus`` or as ``vitpose``.

    Another program with the name ``vitpose`` is treated as the command: it has to call
    ``vitpose_plus.register()`` itself. ``sys.orig_argv`` has all arguments of the interpreter.
    ``sys.argv`` is not enough: a worker of ``multiprocessing`` has the ``sys.argv`` of its parent
    process, although it was not started as a command.
    """
    if not sys.argv:
        return False
    before = len(sys.orig_argv) - len(sys.argv)  # the interpreter and its options
    started = sys.orig_argv[before] if before > 0 else ''
    if sys.argv[0] == '-m':  # Python imports the package before it finds the module
        return started.removeprefix('-m') == 'vitpose_plus'
    name = started.replace('\\', '/').rsplit('/', 1)[-1]
    return started == sys.argv[0] and name in SCRIPTS


@cache
def register() -> None:
    """Applies the shims of ``compat`` and registers all classes. This is done only once."""
    compat.install()
    for name in REGISTERING:
        importlib.import_module(f'vitpose_plus.{name}')
    moved.install()
