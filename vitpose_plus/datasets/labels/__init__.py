"""Reads labels of keypoints in the formats of labelling tools, splits them, and writes COCO files.

``read_labels`` is the only reader: each format is a class in ``formats``. ``writing`` writes the
annotation files that training reads.
"""

from vitpose_plus.datasets.labels.model import LabelledInstance, LabelledPicture, Labels
from vitpose_plus.datasets.labels.reading import read_labels

__all__ = ['LabelledInstance', 'LabelledPicture', 'Labels', 'read_labels']
