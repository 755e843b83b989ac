"""Writes the folder of a dataset of your own: its entry, a config, annotations."""

from vitpose_plus.experiments.new_dataset.folder import (
    NewDataset,
    check_place,
    dataset_folder,
    keypoints_of,
    write_folder,
)
from vitpose_plus.experiments.new_dataset.looks import LOOKS, default_look
from vitpose_plus.experiments.new_dataset.sizing import Machine, Start, size_training

__all__ = [
    'LOOKS',
    'Machine',
    'NewDataset',
    'Start',
    'check_place',
    'dataset_folder',
    'default_look',
    'keypoints_of',
    'size_training',
    'write_folder',
]
