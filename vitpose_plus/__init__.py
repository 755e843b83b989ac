"""ViTPose and ViTPose+ for mmpose: ``custom_imports = dict(imports=['vitpose_plus'])``."""

import importlib
from typing import Any

from vitpose_plus.registration import is_own_command, register
from vitpose_plus.version import __version__

if not is_own_command():
    register()

# Name -> its module, which is imported only when the name is used: trainings do not need it.
LAZY = {
    'PosePredictor': 'vitpose_plus.inference.predictor',
    'Result': 'vitpose_plus.inference.results',
    'prepare': 'vitpose_plus.inference.prepared',
}

__all__ = ['PosePredictor', 'Result', '__version__', 'prepare', 'register']


def __getattr__(name: str) -> Any:
    if name not in LAZY:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    register()
    return getattr(importlib.import_module(LAZY[name]), name)
