"""Finds the config and the best weights of a training, for a test of it."""

import os.path as osp

from mmengine.config import Config

from vitpose_plus.checkpoints import work_dirs
from vitpose_plus.checkpoints.beside import dumped_configs
from vitpose_plus.engine.restarting import checkpoint_folder
from vitpose_plus.errors import UserError
from vitpose_plus.experiments.catalogue import IN_FOLDER

TEST = 'test'  # the folder for the log of a test, in the training folder


def training_folder(name: str) -> str | None:
    """Returns ``name`` if it is a folder with checkpoints of a training."""
    return name if osp.isdir(name) and work_dirs.own_checkpoints(name) else None


def config_of(name: str) -> str:
    """Returns the config that a training wrote into its folder; other names unchanged."""
    configs = dumped_configs(name) if training_folder(name) else []
    if osp.isfile(osp.join(name, IN_FOLDER)) or len(configs) != 1:
        return name
    return str(configs[0])


def best_weights(cfg: Config) -> str:
    """Returns the best checkpoint of the validation in the training folder, else the newest one.

    Raises:
        UserError: There is no checkpoint.
    """
    folder, template = checkpoint_folder(cfg)
    found = work_dirs.best_or_newest(folder, template)
    if found is None:
        raise UserError(
            f'{folder} has no checkpoint of a training: give the checkpoint to test, or the '
            'training folder with --work-dir.'
        )
    return str(found)
