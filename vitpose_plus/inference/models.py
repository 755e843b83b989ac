"""Loads the model for a prediction: from a released name, a training folder or a config."""

import difflib
import hashlib
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from mmpose.datasets.transforms import GetBBoxCenterScale, TopdownAffine
from mmpose.models.pose_estimators.base import BasePoseEstimator
from mmpose.registry import MODELS
from torch import Tensor

from vitpose_plus.checkpoints import fetching, reading, released, work_dirs
from vitpose_plus.checkpoints.guard import check_fit
from vitpose_plus.datasets.multi_dataset import plain_datasets, unread
from vitpose_plus.datasets.skeletons import PADDING, Skeleton
from vitpose_plus.errors import UserError, closest
from vitpose_plus.experiments.catalogue import (
    find_config,
    is_dataset_folder,
    read_config,
    shipped_configs,
)
from vitpose_plus.files import about
from vitpose_plus.inference import batches
from vitpose_plus.models.building import build_on_meta

# The keys that the section ``predict`` of a config may have.
DEFAULTS = ('boxes', 'dataset', 'example')
LOADERS = ('test_dataloader', 'val_dataloader', 'train_dataloader')
CHECKPOINTS = ('.pth', '.pt', '.safetensors')


@dataclass(frozen=True)
class Facts:
    """The facts about a model that its config contains.

    Attributes:
        datasets: The names of its datasets, in the order of the heads.
        defaults: The values in the config's section ``predict``.
        network: The class of its network.
    """

    datasets: tuple[str, ...]
    defaults: dict[str, str]
    network: type


@dataclass
class Origin(ABC):
    """A way to name a model.

    Attributes:
        model: The name.
        checkpoint: The file or URL of the weights; None if the name defines them.
    """

    model: str
    checkpoint: str | None

    @classmethod
    @abstractmethod
    def accepts(cls, model: str, checkpoint: str | None) -> bool:
        """Whether the model is named in this way."""

    @abstractmethod
    def config(self) -> Config:
        """Returns the config; this needs no weights."""

    def facts(self) -> Facts:
        """Returns the facts about the model; this needs no weights."""
        init_default_scope('mmpose')
        cfg = self.config()
        with about(cfg.filename or self.model):
            datasets = tuple(name for name, _ in _datasets(cfg))
        return Facts(datasets, _defaults(cfg), MODELS.get(cfg.model.type))

    @abstractmethod
    def read(self) -> tuple[Config, dict[str, Tensor], Path]:
        """Returns the config, the weights in our layout, and the file of the weights."""

    @property
    def flags(self) -> tuple[str, ...]:
        """The licence flags; there are none for the user's own weights."""
        return ()

    def check_datasets(self, names: list[str]) -> None:  # noqa: B027  by default, no check
        """Raises a ``UserError`` if the name alone shows that a dataset has no head."""

    def device_of(self, name: str) -> torch.device:
        """Returns the device of a name; a ``UserError`` if it does not exist."""
        return batches.device_of(name)

    def precision_of(self, name: str) -> str:
        """Returns the precision of a name; a ``UserError`` if the model cannot use it."""
        return batches.precision_of(name)

    def load(self, device: torch.device) -> 'PoseModel':
        """Loads the model, ready to predict; a network is moved to the device later."""
        return load(self.model, self.checkpoint)


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

    def _config_file(self) -> Path:
        if is_dataset_folder(self.model):
            raise UserError(
                f'{self.model} is the folder of a dataset: give its training folder, for example '
                f'work_dirs/{Path(self.model).resolve().name}.'
            )
        configs = sorted(Path(self.model).glob('*.py'))
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

    def read(self) -> tuple[Config, dict[str, Tensor], Path]:
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
        path = _local(self.checkpoint)
        return self.config(), reading.read(path), path


def _local(checkpoint: str) -> Path:
    """The file itself, or the downloaded file of a URL."""
    return Path(fetching.fetch(checkpoint) if fetching.is_url(checkpoint) else checkpoint)


@dataclass
class PoseModel:
    """A network with its weights and its datasets.

    Attributes:
        origin: The way in which the model was named.
        network: The network, in evaluation mode, on the CPU.
        checkpoint: The file of the weights.
        config: The file of the config, or the name of an included config.
        skeletons: Dataset name -> its keypoints, in the order of the heads.
        metainfo: Dataset name -> its metainfo for mmpose's pipelines and heads.
        pipelines: Dataset name -> makes an input of the network from a picture (and a box).
        defaults: The values of ``boxes`` and ``dataset`` in the config's section ``predict``.
    """

    origin: Origin
    network: BasePoseEstimator
    checkpoint: Path
    config: str
    skeletons: dict[str, Skeleton]
    metainfo: dict[str, dict[str, Any]]
    pipelines: dict[str, Compose]
    defaults: dict[str, str] = field(default_factory=dict)

    def use_flip_test(self, is_wanted: bool, on_message: Callable[[str], None]) -> bool:
        """Sets whether the network averages predictions with those of the mirrored crops.

        Returns:
            Whether it does so.
        """
        self.network.test_cfg['flip_test'] = is_wanted
        return is_wanted

    def check_quality(self) -> None:
        """Raises a ``UserError`` if the model has no heatmaps of single crops for ``--quality``."""

    def describe(self) -> dict[str, Any]:
        """The description of the model in the manifest, with the SHA-256 of the checkpoint."""
        return dict(
            name=self.origin.model,
            config=self.config,
            checkpoint=str(self.checkpoint),
            sha256=sha256(self.checkpoint),
            licence_flags=self.origin.flags,
        )


def sha256(path: Path) -> str:
    """The SHA-256 of a file."""
    with open(path, 'rb') as file:
        return hashlib.file_digest(file, 'sha256').hexdigest()


ORIGINS: tuple[type[Origin], ...] = (ReleasedName, TrainingFolder, ConfigFile)


def origin_of(model: str, checkpoint: str | None = None) -> Origin:
    """Returns the origin of a model; raises a ``UserError`` with close names if there is none."""
    for kind in ORIGINS:
        if kind.accepts(model, checkpoint):
            return kind(model, checkpoint)
    if released.find(model) is not None:
        raise UserError(
            f'{model} is a released name and has its own weights: leave out --checkpoint, or give '
            'the config of the checkpoint with --model.'
        )
    names = [*released.RELEASED, *shipped_configs()]
    close = difflib.get_close_matches(os.path.basename(model), names, n=3, cutoff=0.4)
    raise UserError(
        f'There is no model {model}: give a released name (vitpose weights lists them), a config '
        f'with --checkpoint, or a training folder{closest(close)}.'
    )


def load(model: str, checkpoint: str | None = None) -> PoseModel:
    """Loads a model, ready to predict.

    Args:
        model: The name of a released model, the path or name of a config, or a training folder.
        checkpoint: The file or URL of the weights, if ``model`` does not define them.

    Raises:
        UserError: The model does not exist, or config and weights do not fit.
    """
    init_default_scope('mmpose')
    origin = origin_of(model, checkpoint)
    cfg, state, path = origin.read()
    with about(cfg.filename or model):
        described = dict(_datasets(cfg))
        check_fit(state, build_on_meta(cfg.model), str(path))
        network = MODELS.build(cfg.model)
    network.load_state_dict(state)
    network.cfg = cfg
    pipelines = {name: Compose(pipeline) for name, (_, pipeline) in described.items()}
    return PoseModel(
        origin=origin,
        network=network.eval(),
        checkpoint=path,
        config=cfg.filename or model,
        skeletons={
            name: Skeleton.of(metainfo, *_crop(pipelines[name]))
            for name, (metainfo, _) in described.items()
        },
        metainfo={name: metainfo for name, (metainfo, _) in described.items()},
        pipelines=pipelines,
        defaults=_defaults(cfg),
    )


def _defaults(cfg: Config) -> dict[str, str]:
    """The defaults of ``predict`` that the config sets."""
    given = dict(cfg.get('predict') or {})
    if unknown := sorted(set(given) - set(DEFAULTS)):
        raise UserError(
            f'{cfg.filename} has predict.{unknown[0]}: allowed are {", ".join(DEFAULTS)}.'
        )
    return given


def _datasets(cfg: Config) -> Iterator[tuple[str, tuple[dict, list[dict]]]]:
    """Yields name, metainfo and pipeline of every dataset for which the model has a head."""
    heads = [head['dataset'] for head in cfg.model.get('head', {}).get('heads', [])]
    described = dict(_described(cfg))
    if missing := [name for name in heads if name not in described]:
        raise UserError(
            f'The model has a head for {missing[0]}, but no test_dataloader of that dataset, which '
            'defines how pictures are cropped: add it.'
        )
    for name in heads or described:
        yield name, described[name]


def _described(cfg: Config) -> Iterator[tuple[str, tuple[dict, list[dict]]]]:
    """Yields name, metainfo and pipeline of every dataset of the first loader that exists."""
    loaders = [(cfg.get(name) or {}).get('dataset') for name in LOADERS]
    dataset = next((each for each in loaders if each), None)
    if dataset is None:
        raise UserError(
            'The config has no test_dataloader, which defines the keypoints and how pictures are '
            'cropped: add it.'
        )
    if 'datasets' in dataset and 'metainfo' in dataset:  # mmpose's CombinedDataset
        metainfo = parse_pose_metainfo(dict(dataset['metainfo']))
        yield metainfo['dataset_name'], (metainfo, dataset['pipeline'])
        return
    for part in plain_datasets(dataset):
        metainfo = unread(part).metainfo
        yield metainfo['dataset_name'], (metainfo, part['pipeline'])


def _crop(pipeline: Compose) -> tuple[tuple[int, int] | None, float]:
    """Width and height of the crops (None if the pipeline does not crop), and their padding."""
    crops = [step for step in pipeline.transforms if isinstance(step, TopdownAffine)]
    boxes = [step for step in pipeline.transforms if isinstance(step, GetBBoxCenterScale)]
    size = tuple(int(side) for side in crops[-1].input_size) if crops else None
    return size, boxes[-1].padding if boxes else PADDING
