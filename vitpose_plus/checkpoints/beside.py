"""Finds the config of a checkpoint in its folder."""

from pathlib import Path

from mmengine.config import Config

from vitpose_plus.checkpoints import work_dirs
from vitpose_plus.errors import UserError
from vitpose_plus.experiments.catalogue import read_config


def dumped_configs(folder: str | Path) -> list[Path]:
    """The configs in a training folder; a training writes one."""
    return sorted(Path(folder).glob('*.py'))


def config_of(checkpoint: str | Path, given: str | None = None) -> Config:
    """Returns the config of a checkpoint, with the model for use after training.

    Args:
        checkpoint: A file. Its config has the same name with .py (as ``split`` and ``join`` write
            it), or is the config of its training folder.
        given: The config that a user gives; it comes first.

    Raises:
        UserError: No config is given, and there is none or more than one.
    """
    return read_config(given or str(config_file_of(checkpoint)))


def config_file_of(checkpoint: str | Path) -> Path:
    """The file of the config beside a checkpoint, as in ``config_of``."""
    path = Path(checkpoint)
    own = path.with_suffix('.py')
    if own != path and own.is_file():
        return own
    trained = [*work_dirs.own_checkpoints(path.parent), path.parent / work_dirs.BEST_COPY]
    configs = dumped_configs(path.parent) if path in trained else []
    if len(configs) != 1:
        raise UserError(
            f'There is no config beside {checkpoint} ({own.name}, or that of its training folder): '
            'give the config of this checkpoint with --config.'
        )
    return configs[0]
