"""The settings of one dataset of a ViTPose+, as plain data: what its expert and head need.

A file of another person may contain them. They have names and numbers only: a config is made from
them, and no class is ever named by the file.

Shapes: K keypoints, L links.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from mmengine.config import Config

from vitpose_plus.datasets.multi_dataset import test_datasets_of
from vitpose_plus.datasets.skeletons import PADDING
from vitpose_plus.errors import UserError
from vitpose_plus.experiments.part_checks import check_settings
from vitpose_plus.experiments.part_crops import kind_of_crop
from vitpose_plus.experiments.splitting import dataset_index
from vitpose_plus.models.building import test_settings


@dataclass(frozen=True)
class PartSettings:
    """The settings of a dataset.

    Attributes:
        dataset: The name of the dataset.
        num_keypoints: K.
        crop: The kind of crops, a key of ``crops`` in ``configs/_base_/crops.py``.
        padding: The sides of a box are multiplied by it.
        input_hw: Height and width of the crops, in pixels.
        sigma: The sigma of the Gaussian targets, in heatmap pixels.
        flip_test: Whether a flip test may average with the mirrored crops.
        names: The names of the K keypoints, in order.
        swaps: For each keypoint, its partner in a mirrored picture; empty if there is none.
        links: The L pairs of names between which a line is drawn.
        joint_weights: The K weights of the loss.
        sigmas: The K falloffs of COCO's object keypoint similarity; empty if there are none.
        colors: The colours of the keypoints, K times three numbers from 0 to 255.
        link_colors: The colours of the links, L times three numbers from 0 to 255.
    """

    dataset: str
    num_keypoints: int
    crop: str
    padding: float
    input_hw: list[int]
    sigma: float
    flip_test: bool
    names: list[str]
    swaps: list[str]
    links: list[list[str]]
    joint_weights: list[float]
    sigmas: list[float]
    colors: list[list[int]]
    link_colors: list[list[int]]

    @classmethod
    def of(cls, cfg: Config, dataset: str) -> 'PartSettings':
        """Takes the settings of a dataset from the config of a multi-dataset model.

        Raises:
            UserError: The config has no such dataset, or its crops are of no known kind.
        """
        head = cfg.model.head.heads[dataset_index(cfg, dataset)]
        described = dict(test_datasets_of(cfg))
        if dataset not in described:
            raise UserError(
                f'The config has no test_dataloader of the dataset {dataset!r}, which defines its '
                'keypoints and how pictures are cropped: add it.'
            )
        metainfo, pipeline = described[dataset]
        own = test_settings(cfg.model, head)
        boxes = [step for step in pipeline if step['type'] == 'GetBBoxCenterScale']
        w, h = head['codec']['input_size']
        return cls(
            dataset=dataset,
            crop=kind_of_crop(head, pipeline),
            padding=float(boxes[-1].get('padding', PADDING)) if boxes else PADDING,
            input_hw=[int(h), int(w)],
            sigma=float(head['codec']['sigma']),
            flip_test=bool(own.get('flip_test', True)),
            **_keypoints(metainfo),
        )

    @classmethod
    def from_data(cls, data: Any) -> 'PartSettings':
        """Reads ``to_data``.

        Raises:
            UserError: A field is missing, unknown, or has a wrong value.
        """
        check_settings(data)
        return cls(**data)

    def to_data(self) -> dict[str, Any]:
        """The settings as plain dicts, lists, numbers and texts."""
        return asdict(self)

    def metainfo(self) -> dict[str, Any]:
        """The metainfo of the dataset in mmpose's form."""
        keypoints = zip(self.names, self.swaps, self.colors, strict=True)
        links = zip(self.links, self.link_colors, strict=True)
        return dict(
            dataset_name=self.dataset,
            keypoint_info={
                i: dict(name=name, id=i, swap=swap, color=list(color))
                for i, (name, swap, color) in enumerate(keypoints)
            },
            skeleton_info={
                i: dict(link=tuple(link), id=i, color=list(color))
                for i, (link, color) in enumerate(links)
            },
            joint_weights=list(self.joint_weights),
            sigmas=list(self.sigmas) or None,
        )


def _keypoints(metainfo: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the keypoints, from parsed metainfo."""
    names = [metainfo['keypoint_id2name'][i] for i in range(metainfo['num_keypoints'])]
    flips = metainfo['flip_indices']
    return dict(
        num_keypoints=len(names),
        names=names,
        swaps=['' if flips[i] == i else names[flips[i]] for i in range(len(names))],
        links=[[names[a], names[b]] for a, b in metainfo['skeleton_links']],
        joint_weights=_numbers(metainfo['dataset_keypoint_weights']),
        sigmas=_numbers(metainfo['sigmas']),
        colors=np.asarray(metainfo['keypoint_colors']).reshape(-1, 3).tolist(),
        link_colors=np.asarray(metainfo['skeleton_link_colors']).reshape(-1, 3).tolist(),
    )


def _numbers(values: Any) -> list[float]:
    """The shortest decimal numbers that are these float32 values; mmpose stores None as NaN."""
    return [float(str(value)) for value in np.ravel(values) if np.isfinite(value)]
