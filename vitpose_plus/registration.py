"""When OpenMMLab's stack is loaded and this package's classes are registered in it.

A program that imports ``vitpose_plus`` (a config's ``custom_imports`` among them) finds everything
registered. Only the package's own command waits until a word needs it, so that ``--help`` and a
wrong option are answered at once.
"""

import importlib
import sys
from functools import cache

from vitpose_plus import compat, moved

# Every folder whose modules register classes.
REGISTERING = (
    'codecs',
    'models',
    'datasets',
    'checkpoints',
    'distillation',
    'evaluation',
    'engine',
)
SCRIPTS = ('vitpose', 'vitpose.exe', 'vitpose-script.py')  # what the console script may be called


def is_own_command() -> bool:
    """Whether the interpreter was started as ``python -m vitpose_plus`` or as ``vitpose``.

    Another program that is called just ``vitpose`` is taken for the command: it has to call
    ``vitpose_plus.register()`` itself. ``sys.orig_argv`` is what the interpreter was started with:
    a worker that ``multiprocessing`` spawns copies its parent's ``sys.argv``, but was not started
    as a command.
    """
    if not sys.argv:
        return False
    before = len(sys.orig_argv) - len(sys.argv)  # the interpreter and its options
    started = sys.orig_argv[before] if before > 0 else ''
    if sys.argv[0] == '-m':  # the module is looked for: that is when this package is imported
        return started.removeprefix('-m') == 'vitpose_plus'
    name = started.replace('\\', '/').rsplit('/', 1)[-1]
    return started == sys.argv[0] and name in SCRIPTS


@cache
def register() -> None:
    """Prepares the stack and registers every class, once."""
    compat.install()
    for name in REGISTERING:
        importlib.import_module(f'vitpose_plus.{name}')
    moved.install()
