"""Teachers: ``teacher(inputs, data_samples)`` -> heatmaps, from a running model or from a cache.

Shapes: B batch, K keypoints of a dataset, h w heatmaps.
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path

import torch
from mmengine.config import Config
from mmpose.models.pose_estimators import TopdownPoseEstimator
from mmpose.registry import MODELS
from mmpose.structures import PoseDataSample
from torch import Tensor, nn

from vitpose_plus.checkpoints import check_fit, reading
from vitpose_plus.checkpoints.converting import facts_of
from vitpose_plus.datasets.multi_dataset import plain_datasets, unread
from vitpose_plus.distillation.cache import HeatmapCache
from vitpose_plus.distillation.token_file import fingerprint
from vitpose_plus.errors import UserError
from vitpose_plus.experiments.catalogue import read_config
from vitpose_plus.models.building import build_on_meta


class Teacher:
    """The source of the heatmaps that a student is trained with.

    Attributes:
        name: The name in messages.
        datasets: Name -> keypoints of every dataset that it can teach.
        sha256: The SHA-256 of its weights.
    """

    name: str
    datasets: Mapping[str, int]
    sha256: str

    def __call__(self, inputs: Tensor, data_samples: list[PoseDataSample]) -> list[Tensor]:
        """Crops (B, 3, height, width) and their samples -> heatmaps (K, h, w) without gradients."""
        own = {sample.dataset_name for sample in data_samples}
        self.check_datasets({name: self.datasets.get(name) for name in sorted(own)})
        with torch.no_grad():
            return self.heatmaps(inputs, data_samples)

    def heatmaps(self, inputs: Tensor, data_samples: list[PoseDataSample]) -> list[Tensor]:
        raise NotImplementedError

    def check_datasets(self, datasets: Mapping[str, int | None]) -> None:
        """Raises a ``UserError`` unless it can teach all these datasets, with these keypoints."""
        for name, num_keypoints in datasets.items():
            if name not in self.datasets:
                raise UserError(
                    f'The teacher {self.name} is for {", ".join(self.datasets)}, but the student '
                    f'learns {name}: give a teacher for all datasets of the student.'
                )
            if self.datasets[name] != num_keypoints:
                raise UserError(
                    f'The teacher {self.name} has {self.datasets[name]} keypoints of {name}, the '
                    f'student has {num_keypoints}: give a teacher for the same keypoints.'
                )

    def apply(self, fn: Callable[[Tensor], Tensor]) -> None:
        """Applies ``fn`` to the teacher's tensors, such as moving them to a device."""


@MODELS.register_module()
class RunningTeacher(Teacher):
    """A trained model in evaluation mode; its compute dtype is the student's.

    Building it uses no random numbers, so the student's random weights do not depend on it.

    Args:
        config: The path of its config, or the name of an included one.
        checkpoint: The file of its weights, in our layout.
    """

    def __init__(self, config: str, checkpoint: str) -> None:
        cfg = read_config(config)
        cfg.model.pop('data_preprocessor', None)  # the student's is used for both
        self.name = f'{Path(config).stem}, {checkpoint}'
        with torch.device('cpu'):  # real weights, also if the student is on the meta device
            self.model = self._load(cfg, checkpoint)
        datasets = facts_of(self.model).datasets
        self.datasets = datasets or {_dataset(cfg): self.model.head.out_channels}

    def _load(self, cfg: Config, checkpoint: str) -> nn.Module:
        model = build_on_meta(cfg.model)
        if not isinstance(model, TopdownPoseEstimator):
            raise UserError(f'{cfg.filename} is no top-down pose model: give one as the teacher.')
        state = reading.read(checkpoint)
        check_fit(state, model, checkpoint)
        state = {k: v.float() if v.is_floating_point() else v for k, v in state.items()}
        model.load_state_dict(state, assign=True)
        return model.requires_grad_(False).eval()

    @cached_property
    def sha256(self) -> str:
        return fingerprint(self.model.state_dict())

    def heatmaps(self, inputs: Tensor, data_samples: list[PoseDataSample]) -> list[Tensor]:
        return list(self.model._forward(inputs, data_samples))

    def apply(self, fn: Callable[[Tensor], Tensor]) -> None:
        self.model._apply(fn)


@MODELS.register_module()
class CachedTeacher(Teacher):
    """Heatmaps that ``python -m vitpose_plus cache-heatmaps`` wrote; no model runs.

    Every sample must be exactly the crop from which its heatmaps were predicted, so there may be no
    augmentation. This is checked for every sample.

    Args:
        folder: The folder of the cache.
    """

    def __init__(self, folder: str) -> None:
        self.cache = HeatmapCache(folder)
        self.name, self.sha256 = f'{self.cache.teacher} ({folder})', self.cache.sha256
        self.datasets = self.cache.datasets

    def heatmaps(self, inputs: Tensor, data_samples: list[PoseDataSample]) -> list[Tensor]:
        return self.cache.look_up(inputs, data_samples)


def _dataset(cfg: Config) -> str:
    """The name of the dataset of a plain model."""
    for split in ('train', 'val', 'test'):
        for part in plain_datasets((cfg.get(f'{split}_dataloader') or {}).get('dataset') or {}):
            return unread(part).metainfo['dataset_name']
    raise UserError(
        f'{cfg.filename} names no dataset: add the dataset that the teacher was trained on.'
    )
