"""Checks of datasets on disk, for ``check-data`` and before every training and test.

Every format of annotation files has a class that checks it, and collects the problems in
``findings``. ``opening`` chooses this class by the dataset's class. ``companions`` checks the files
beside an annotation file. ``pictures`` checks the pictures.
"""

from vitpose_plus.datasets.checking.before_runs import check_dataset
from vitpose_plus.datasets.checking.check import Report, check, check_annotations, missing_files
from vitpose_plus.datasets.checking.needs import Needs, needs_of

__all__ = [
    'Needs',
    'Report',
    'check',
    'check_annotations',
    'check_dataset',
    'missing_files',
    'needs_of',
]
