"""ViTPose and ViTPose+ for mmpose: ``custom_imports = dict(imports=['vitpose_plus'])``."""

from vitpose_plus.registration import is_own_command, register
from vitpose_plus.version import __version__

if not is_own_command():
    register()

__all__ = ['__version__', 'register']
