"""The model that is measured, with random or given weights."""

import re
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from mmengine.registry import init_default_scope
from mmpose.models.pose_estimators import TopdownPoseEstimator
from mmpose.registry import MODELS
from torch import Tensor, nn

from vitpose_plus.benchmarking.ceilings import forward_flops, training_flops
from vitpose_plus.errors import UserError
from vitpose_plus.experiments.catalogue import read_config
from vitpose_plus.export.exporting import fold
from vitpose_plus.inference.engines.opening import is_exported
from vitpose_plus.inference.models import load
from vitpose_plus.inference.origins import ConfigFile
from vitpose_plus.inference.pose_model import PoseModel
from vitpose_plus.models.building import build_on_meta
from vitpose_plus.models.multi_dataset import MultiDatasetTopdown

CONFIG = 'vitpose-plus-{}_six-datasets-256x192'


@dataclass
class Subject:
    """The model that is measured.

    Attributes:
        model: The model, with its datasets.
        config: The path or name of its config.
        checkpoint: The file of its weights.
        device: The device on which it is measured.
        datasets: The datasets that are measured; competitors have the first one.
        is_random: Whether its weights are random.
    """

    model: PoseModel
    config: str
    checkpoint: str | None
    device: torch.device
    datasets: tuple[str, ...]
    is_random: bool

    @property
    def dataset(self) -> str:
        """The dataset of the competitors."""
        return self.datasets[0]

    @property
    def names(self) -> list[str]:
        """All datasets of the model."""
        return list(self.model.skeletons)

    @cached_property
    def network(self) -> nn.Module:
        """The network on its device, in evaluation mode."""
        return self.model.network.to(self.device).eval()

    @property
    def has_several(self) -> bool:
        """Whether the network needs the dataset of every crop."""
        return isinstance(self.model.network, MultiDatasetTopdown)

    @cached_property
    def plain(self) -> PoseModel:
        """The plain model of the first dataset, with the same weights, on its device."""
        folded = fold(self.model, self.dataset)
        return replace(folded, network=folded.network.to(self.device).eval())

    @property
    def input_hw(self) -> tuple[int, int]:
        """Height and width of a crop, in pixels."""
        return tuple(self.model.skeletons[self.dataset].input_wh[::-1])

    def number(self, dataset: str) -> int:
        """The number of a dataset's expert."""
        return self.names.index(dataset)

    def head(self, dataset: str) -> nn.Module:
        """The decoder of a dataset."""
        head = self.model.network.head
        return head.decoders[dataset] if self.has_several else head

    @cached_property
    def flops(self) -> int:
        """The operations of a forward pass for one crop of the first dataset."""
        return forward_flops(build_on_meta(self._plain_config()), self.input_hw)

    @cached_property
    def training_flops(self) -> int:
        """The operations of a training step for one crop of the first dataset."""
        return training_flops(build_on_meta(self._plain_config()), self.input_hw)

    def _plain_config(self) -> Any:
        return self.plain.network.cfg.model

    def crops(self, count: int) -> Tensor:
        """Normalised crops (count, 3, height, width), float32, on the device: noise."""
        generator = torch.Generator().manual_seed(0)
        return torch.randn(count, 3, *self.input_hw, generator=generator).to(self.device)


def open_subject(
    name: str,
    checkpoint: str | None,
    datasets: list[str],
    device: torch.device,
    folder: Path,
) -> Subject:
    """Loads a model; a config without a checkpoint gets random weights.

    Args:
        name: A model as for ``predict``.
        checkpoint: Its weights, if the name does not define them.
        datasets: The datasets that are measured; empty: ``coco``, or else the first one.
        device: The device on which it is measured.
        folder: A temporary folder for random weights.

    Raises:
        UserError: There is no such model, it is bottom-up, or it does not have a dataset.
    """
    is_random = checkpoint is None and not is_exported(name) and ConfigFile.accepts(name, None)
    if is_random:
        checkpoint = str(random_weights(name, folder))
    model = load(name, checkpoint)
    if not isinstance(model.network, TopdownPoseEstimator):
        raise UserError(f'--model {name} is not a top-down model: give the config of one.')
    if unknown := [each for each in datasets if each not in model.skeletons]:
        raise UserError(
            f'--dataset names {unknown[0]!r}, which the model does not have: give one of '
            f'{", ".join(model.skeletons)}.'
        )
    first = 'coco' if 'coco' in model.skeletons else next(iter(model.skeletons))
    chosen = tuple(datasets or [first])
    return Subject(model, name, checkpoint, device, chosen, is_random)


def random_weights(config: str, folder: Path) -> Path:
    """Writes the random weights of a config into a folder; their seed is fixed."""
    init_default_scope('mmpose')
    torch.manual_seed(0)
    path = folder / f'{re.sub(r"[^.a-zA-Z0-9_-]", "_", Path(config).stem)}.pth'
    torch.save(MODELS.build(read_config(config).model).state_dict(), path)
    return path
