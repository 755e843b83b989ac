"""A model that is ready to predict, and the way in which it is named."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope
from mmpose.models.pose_estimators.base import BasePoseEstimator
from mmpose.registry import MODELS
from torch import Tensor

from vitpose_plus.checkpoints.guard import check_fit
from vitpose_plus.datasets.skeletons import Skeleton
from vitpose_plus.files import about, sha256
from vitpose_plus.inference import batches
from vitpose_plus.inference.compilers import check_compiler
from vitpose_plus.inference.facts import Facts, crop_of, datasets_of, defaults_of
from vitpose_plus.inference.precisions import precision_of
from vitpose_plus.inference.prepared import prepare
from vitpose_plus.models.building import build_on_meta


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
            datasets = tuple(name for name, _ in datasets_of(cfg))
        return Facts(datasets, defaults_of(cfg), MODELS.get(cfg.model.type))

    @abstractmethod
    def read(self) -> tuple[Config, dict[str, Tensor], Path]:
        """Returns the config, the weights in our layout, and the file of the weights."""

    @property
    def flags(self) -> tuple[str, ...]:
        """The licence flags; there are none for the user's own weights."""
        return ()

    def check_weights(self) -> None:  # noqa: B027  by default, no check
        """Raises a ``UserError`` if the name alone shows that there are no weights."""

    def check_datasets(self, names: list[str]) -> None:  # noqa: B027  by default, no check
        """Raises a ``UserError`` if the name alone shows that a dataset has no head."""

    def device_of(self, name: str) -> torch.device:
        """Returns the device of a name; a ``UserError`` if it does not exist."""
        return batches.device_of(name)

    def precision_of(self, name: str, device: torch.device, compile: bool) -> str:
        """Returns the precision of a name.

        Raises:
            UserError: The model cannot use the precision, or cannot be compiled.
        """
        if compile:
            check_compiler(device)
        return precision_of(name, device)

    def load(self, device: torch.device) -> 'PoseModel':
        """Loads the model, ready to predict; a network is moved to the device later.

        Raises:
            UserError: Config and weights do not fit.
        """
        init_default_scope('mmpose')
        cfg, state, path = self.read()
        with about(cfg.filename or self.model):
            described = dict(datasets_of(cfg))
            check_fit(state, build_on_meta(cfg.model), str(path))
            network = MODELS.build(cfg.model)
        network.load_state_dict(state)
        network.cfg = cfg
        pipelines = {name: Compose(pipeline) for name, (_, pipeline) in described.items()}
        return PoseModel(
            origin=self,
            network=network.eval(),
            checkpoint=path,
            config=cfg.filename or self.model,
            skeletons={
                name: Skeleton.of(metainfo, *crop_of(pipelines[name]))
                for name, (metainfo, _) in described.items()
            },
            metainfo={name: metainfo for name, (metainfo, _) in described.items()},
            pipelines=pipelines,
            defaults=defaults_of(cfg),
        )


@dataclass
class PoseModel:
    """A network with its weights and its datasets.

    Attributes:
        origin: The way in which the model was named.
        network: The network, in evaluation mode, on the CPU until ``prepare`` is called.
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

    def prepare(self, device: torch.device, precision: str, compile: bool) -> None:
        """Moves the network to a device, and replaces it by its fast form (``prepare``)."""
        network = self.network.to(device)
        self.network = prepare(network, precision=precision, compile=compile).network

    def use_flip_test(self, is_wanted: bool, on_message: Callable[[str], None]) -> bool:
        """Sets whether the network averages predictions with those of the mirrored crops.

        Returns:
            Whether it does so.
        """
        self.network.test_cfg['flip_test'] = is_wanted
        for own in getattr(self.network.head, 'dataset_test_cfg', {}).values():
            own.pop('flip_test', None)
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
