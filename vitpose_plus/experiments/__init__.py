"""Makes the parts of a config from the entries of datasets, and finds the included configs.

A config calls one of the functions that end in ``_config`` (``configs.py``). The other functions
return the same sections as tuples.
"""

from vitpose_plus.experiments.bottom_up import bottom_up
from vitpose_plus.experiments.configs import (
    bottom_up_config,
    multi_dataset_config,
    multi_task_config,
    person_crops_config,
    single_dataset_config,
    whole_pictures_config,
)
from vitpose_plus.experiments.own_dataset import own_dataset_config
from vitpose_plus.experiments.own_expert import expert_dataset_config
from vitpose_plus.experiments.pretraining import person_crops, whole_pictures
from vitpose_plus.experiments.topdown import multi_dataset, multi_task, single_dataset

__all__ = [
    'bottom_up',
    'bottom_up_config',
    'expert_dataset_config',
    'multi_dataset',
    'multi_dataset_config',
    'multi_task',
    'multi_task_config',
    'own_dataset_config',
    'person_crops',
    'person_crops_config',
    'single_dataset',
    'single_dataset_config',
    'whole_pictures',
    'whole_pictures_config',
]
