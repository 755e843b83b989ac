"""``predict --model FILE``: models in files that ``vitpose export`` wrote."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope
from mmpose.models.pose_estimators import TopdownPoseEstimator
from mmpose.registry import MODELS
from torch import Tensor

from vitpose_plus.datasets.transforms import StretchedTopdownAffine
from vitpose_plus.errors import UserError
from vitpose_plus.files import sha256
from vitpose_plus.inference.boxes import trained
from vitpose_plus.inference.boxes.detectors import DETECTORS
from vitpose_plus.inference.boxes.kinds import REFINE
from vitpose_plus.inference.engines.description import (
    HEATMAPS,
    DatasetPart,
    Description,
    always_averaged,
)
from vitpose_plus.inference.engines.engine import Engine, damaged
from vitpose_plus.inference.engines.network import network_config
from vitpose_plus.inference.engines.opening import description_of, device_of, is_exported
from vitpose_plus.inference.facts import Facts
from vitpose_plus.inference.pose_model import Origin, PoseModel
from vitpose_plus.inference.precisions import AUTO
from vitpose_plus.inference.preprocessing import batched


class ExportedFile(Origin):
    """A file that ``vitpose export`` wrote: the graph, the weights and a description."""

    @classmethod
    def accepts(cls, model: str, checkpoint: str | None) -> bool:
        return is_exported(model) and not os.path.isdir(model)

    @cached_property
    def description(self) -> Description:
        """What the file states about itself; a ``UserError`` if the options do not fit a file."""
        if self.checkpoint:
            raise UserError(
                f'{self.model} has its own weights: leave out --checkpoint, or give the config of '
                'the checkpoint with --model.'
            )
        return description_of(self.model)

    def read(self) -> tuple[Config, dict[str, Tensor], Path]:
        raise UserError(
            f'{self.model} is an exported file, which has no config: give the model from which it '
            'was exported.'
        )

    def config(self) -> Config:
        return self.read()[0]

    def facts(self) -> Facts:
        described = self.description
        return Facts(described.names, _defaults(described), TopdownPoseEstimator)

    @property
    def flags(self) -> tuple[str, ...]:
        return self.description.licence_flags

    def check_datasets(self, names: list[str]) -> None:
        own = self.description.names
        if unknown := [name for name in names if name not in own]:
            raise UserError(
                f'--dataset names {unknown[0]!r}, which {self.model} does not have: give one of '
                f'{", ".join(own)}.'
            )

    def device_of(self, name: str) -> torch.device:
        return device_of(self.model, name)

    def precision_of(self, name: str, device: torch.device, compile: bool) -> str:
        if compile:
            raise UserError(f'{self.model} is compiled already: leave out --compile.')
        if name != AUTO:
            raise UserError(
                f'{self.model} was exported in {self.description.precision}: leave out '
                '--precision, or export the model in another precision.'
            )
        return 'fp32'  # of the computations around the file

    def load(self, device: torch.device) -> PoseModel:
        init_default_scope('mmpose')
        described = self.description
        parts = {part.skeleton.dataset: part for part in described.datasets}
        try:
            own = {name: dict(shift_heatmap=part.shift_heatmap) for name, part in parts.items()}
            settings = next(iter(own.values()))
            network = MODELS.build(network_config(self.model, described, device, settings, own))
            network.data_preprocessor = batched(network.data_preprocessor)
            pipelines = {name: _pipeline(part) for name, part in parts.items()}
            metainfo = {name: _metainfo(part) for name, part in parts.items()}
        except UserError:
            raise
        except Exception as error:  # wrong values of the description can cause any error
            raise damaged(Path(self.model), 'its description has wrong values') from error
        return ExportedModel(
            origin=self,
            network=network.eval(),
            checkpoint=Path(self.model),
            config=described.model,
            skeletons={name: part.skeleton for name, part in parts.items()},
            metainfo=metainfo,
            pipelines=pipelines,
            defaults=_defaults(described),
            description=described,
            engine=network.backbone.open(),
        )


@dataclass(kw_only=True)
class ExportedModel(PoseModel):
    """A network that is in a file.

    Attributes:
        description: What the file states about itself.
        engine: Runs the file.
    """

    description: Description
    engine: Engine

    def prepare(self, device: torch.device, precision: str, compile: bool) -> None:
        """The file is fast as it is, and its engine has its device."""

    def use_flip_test(self, is_wanted: bool, on_message: Callable[[str], None]) -> bool:
        if self.description.flip_test and not is_wanted:
            on_message(always_averaged(self.origin.model))
        check_flip_test(self.origin.model, self.description, is_wanted)
        is_outside = is_wanted and not self.description.flip_test
        super().use_flip_test(is_outside, on_message)
        return is_wanted or self.description.flip_test

    def check_quality(self) -> None:
        if self.description.outputs != HEATMAPS or self.description.flip_test:
            raise UserError(
                f'{self.origin.model} does not have the heatmaps of a crop and of its mirrored '
                'crop, which --quality needs: export the model with --outputs heatmaps and without '
                '--flip-test, or leave out --quality.'
            )

    def describe(self) -> dict[str, Any]:
        """The description of the model, with the engine and the SHA-256 of all its files."""
        beside = [self.checkpoint.parent / name for name in self.engine.companions(self.checkpoint)]
        return super().describe() | dict(
            engine=self.engine.name,
            provider=self.engine.provider,
            precision=self.description.precision,
            outputs=self.description.outputs,
            sha256_of_weights=[sha256(path) for path in beside],
        )


def check_flip_test(path: str | Path, description: Description, is_wanted: bool) -> None:
    """Raises a ``UserError`` if a flip test is wanted, but the file cannot be used for one."""
    if is_wanted and not description.allows_flip_test:
        raise UserError(
            f'{path} was exported without --flip-test: export the model with --flip-test, or leave '
            'out the flip test.'
        )


def _defaults(description: Description) -> dict[str, str]:
    """The defaults of the file. It may name boxes, but it never names another file to open."""
    allowed = dict(dataset=description.names, boxes=(REFINE, *trained.KINDS, *DETECTORS))
    given = description.defaults or {}
    return {key: given[key] for key, values in allowed.items() if given.get(key) in values}


def _pipeline(part: DatasetPart) -> Compose:
    """Makes an input of the network from a picture and a box, as the config of the model."""
    affine = StretchedTopdownAffine.__name__ if part.is_stretched else 'TopdownAffine'
    size = tuple(int(side) for side in part.skeleton.input_wh)
    return Compose(
        [
            dict(type='GetBBoxCenterScale', padding=float(part.skeleton.padding)),
            dict(type=affine, input_size=size, use_udp=bool(part.use_udp)),
            dict(type='PackPoseInputs'),
        ]
    )


def _metainfo(part: DatasetPart) -> dict[str, Any]:
    skeleton = part.skeleton
    return dict(
        dataset_name=skeleton.dataset,
        num_keypoints=len(skeleton.names),
        flip_indices=list(skeleton.flips),
        keypoint_id2name=dict(enumerate(skeleton.names)),
        skeleton_links=[list(link) for link in skeleton.links],
    )
