"""ViTPose and ViTPose+ for mmpose: ``custom_imports = dict(imports=['vitpose_plus'])``."""

from vitpose_plus import compat

compat.install()

from vitpose_plus import (
    associative_embedding,
    checkpoints,
    codecs,
    datasets,
    distillation,
    evaluation,
    models,
    strategies,
)
from vitpose_plus.version import __version__

__all__ = [
    '__version__',
    'associative_embedding',
    'checkpoints',
    'codecs',
    'datasets',
    'distillation',
    'evaluation',
    'models',
    'strategies',
]
