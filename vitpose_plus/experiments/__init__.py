"""From the entries of datasets to the parts of a config, and the configs that come along."""

from vitpose_plus.experiments.bottom_up import bottom_up
from vitpose_plus.experiments.pretraining import person_crops, whole_pictures
from vitpose_plus.experiments.topdown import multi_dataset, multi_task, single_dataset

__all__ = [
    'bottom_up',
    'multi_dataset',
    'multi_task',
    'person_crops',
    'single_dataset',
    'whole_pictures',
]
