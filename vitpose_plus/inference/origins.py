"""The ways to name a model: a released name, a training folder or a config."""

import os
from pathlib import Path

from mmengine.config import Config
from torch import Tensor

from vitpose_plus.checkpoints import fetching, reading, released, work_dirs
from vitpose_plus.checkpoints.beside import dumped_configs
from vitpose_plus.errors import UserError
from vitpose_plus.experiments.catalogue import (
    find_config,
    is_dataset_folder,
    read_config,
    shipped_configs,
)
from vitpose_plus.inference.pose_model import Origin

CHECKPOINTS = ('.pth', '.pt', '.safetensors')


class ReleasedName(Origin):
    """Released weights, which are downloaded once (docs/weights.md)."""

    @classmethod
    def accepts(cls, model: str, checkpoint: str | None) -> bool:
        return checkpoint is None and released.find(model) is not None

    def config(self) -> Config:
        return released.config_of(released.find(self.model))

    def read(self) -> tuple[Config, dict[str, Tensor], Path]:
        loaded = released.load(released.find(self.model))
        return loaded.config, loaded.state_dict, loaded.path

    @property
    def flags(self) -> tuple[str, ...]:
        return released.find(self.model).flags

    def check_datasets(self, names: list[str]) -> None:
        for name in names:
            released.check_dataset(released.find(self.model), name)


class TrainingFolder(Origin):
    """A training folder: its config, and its best checkpoint, or else its newest one."""

    @classmethod
    def accepts(cls, model: str, checkpoint: str | None) -> bool:
        return os.path.isdir(model)

    def read(self) -> tuple[Config, dict[str, Tensor], Path]:
        config = self._config_file()
        path = _local(self.checkpoint) if self.checkpoint else self._weights()
        return read_config(str(config)), reading.read(path), path

    def config(self) -> Config:
        return read_config(str(self._config_file()))

    def check_weights(self) -> None:
        if not self.checkpoint:
            self._weights()

    def _config_file(self) -> Path:
        if is_dataset_folder(self.model):
            raise UserError(
                f'{self.model} is the folder of a dataset: give its training folder, for example '
                f'work_dirs/{Path(self.model).resolve().name}.'
            )
        configs = dumped_configs(self.model)
        if len(configs) != 1:
            named = ', '.join(path.name for path in configs) or 'none'
            raise UserError(
                f'{self.model} must contain one config of a training, but has {named}: give the '
                'config with --model and the weights with --checkpoint.'
            )
        return configs[0]

    def _weights(self) -> Path:
        found = work_dirs.best_or_newest(self.model)
        if found is None:
            raise UserError(
                f'{self.model} contains no checkpoint of a training: give one with --checkpoint.'
            )
        return found


class ConfigFile(Origin):
    """A config, by its path or the name of an included config; the weights are given separately."""

    @classmethod
    def accepts(cls, model: str, checkpoint: str | None) -> bool:
        return os.path.isfile(model) or model.removesuffix('.py') in shipped_configs()

    def config(self) -> Config:
        return read_config(find_config(self.model))

    def check_weights(self) -> None:
        if not self.checkpoint and Path(self.model).suffix in CHECKPOINTS:
            raise UserError(
                f'{self.model} is a checkpoint: give it with --checkpoint, and its config with '
                '--model.'
            )
        if not self.checkpoint:
            raise UserError(
                f'{self.model} is a config: give its weights with --checkpoint, or name a released '
                'model (vitpose weights lists them).'
            )

    def read(self) -> tuple[Config, dict[str, Tensor], Path]:
        self.check_weights()
        path = _local(self.checkpoint)
        return self.config(), reading.read(path), path


def _local(checkpoint: str) -> Path:
    """The file itself, or the downloaded file of a URL."""
    return Path(fetching.fetch(checkpoint) if fetching.is_url(checkpoint) else checkpoint)
