"""The released detectors: their names, weights and configs."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

import mmdet
import mmpose
from mmdet.datasets import CocoDataset

from vitpose_plus.checkpoints import reading
from vitpose_plus.checkpoints.fetching import fetch, place
from vitpose_plus.experiments.catalogue import load_config
from vitpose_plus.inference.boxes.hugging_face import TransformersDetector, download
from vitpose_plus.inference.boxes.mmdetection import MmdetDetector
from vitpose_plus.inference.boxes.source import BoxSource

MMPOSE = Path(mmpose.__file__).parent / '.mim' / 'demo' / 'mmdetection_cfg'
MMDET = Path(mmdet.__file__).parent / '.mim' / 'configs'
OPENMMLAB = 'https://download.openmmlab.com'
HUB = 'https://huggingface.co'

PERSON = ('person',)
# The names of the classes, in the order in which detectors of COCO number them.
COCO = tuple(CocoDataset.METAINFO['classes'])


@dataclass(frozen=True)
class Released(ABC):
    """A released detector.

    Attributes:
        url: The URL of its weights, or of its repository.
        sha256: The first digits of the SHA-256 of the weights' file; empty if they are not known.
        megabytes: The approximate size of the download.
        classes: The names of its classes, in the order of their numbers.
        licence: The licence of the weights, and their training datasets.
    """

    url: str
    sha256: str
    megabytes: int
    classes: tuple[str, ...]
    licence: str

    @property
    @abstractmethod
    def is_downloaded(self) -> bool | None:
        """Whether the weights are on this machine; None if this is not known."""

    @abstractmethod
    def open(self, device: str, score: float) -> BoxSource:
        """Downloads the detector if necessary, and returns it."""


@dataclass(frozen=True)
class ReleasedMmdet(Released):
    """A detector of mmdet or mmpose.

    Attributes:
        config: The config, which is included in these packages.
    """

    config: Path

    @property
    def is_downloaded(self) -> bool:
        return place(self.url).is_file()

    def open(self, device: str, score: float) -> BoxSource:
        path = fetch(self.url, self.sha256)
        detector = MmdetDetector(
            self.config.name, load_config(str(self.config)), self.classes, score
        )
        detector.load(path, reading.read(path), device)
        return detector


@dataclass(frozen=True)
class ReleasedTransformers(Released):
    """A detector of Hugging Face, in the download folder of Hugging Face's client."""

    is_downloaded = None

    def open(self, device: str, score: float) -> BoxSource:
        folder = download(self.url.removeprefix(f'{HUB}/'))
        return TransformersDetector(folder, device, score)


def _mmdet(url: str, megabytes: int, classes: tuple[str, ...], data: str, config: Path) -> Released:
    """Makes an entry; names of OpenMMLab's files end with the first digits of their SHA-256."""
    digits = url.removesuffix('.pth').rpartition('-')[2]
    licence = f'Apache-2.0, trained on {data}'
    return ReleasedMmdet(f'{OPENMMLAB}/{url}', digits, megabytes, classes, licence, config)


def _transformers(repository: str, megabytes: int) -> Released:
    licence = 'Apache-2.0, trained on COCO'
    return ReleasedTransformers(f'{HUB}/{repository}', '', megabytes, COCO, licence)


DETECTORS: dict[str, Released] = {
    'rtmdet-m': _mmdet(
        'mmpose/v1/projects/rtmposev1/rtmdet_m_8xb32-100e_coco-obj365-person-235e8209.pth',
        110,
        PERSON,
        'COCO and Objects365',
        MMPOSE / 'rtmdet_m_640-8xb32_coco-person.py',
    ),
    'rtmdet-nano': _mmdet(
        'mmpose/v1/projects/rtmpose/rtmdet_nano_8xb32-100e_coco-obj365-person-05d8511e.pth',
        4,
        PERSON,
        'COCO and Objects365',
        MMPOSE / 'rtmdet_nano_320-8xb32_coco-person.py',
    ),
    'rtmdet-m-coco': _mmdet(
        'mmdetection/v3.0/rtmdet/rtmdet_m_8xb32-300e_coco/'
        'rtmdet_m_8xb32-300e_coco_20220719_112220-229f527c.pth',
        110,
        COCO,
        'COCO',
        MMDET / 'rtmdet' / 'rtmdet_m_8xb32-300e_coco.py',
    ),
    'dfine-n': _transformers('ustc-community/dfine-nano-coco', 15),
    'dfine-s': _transformers('ustc-community/dfine-small-coco', 42),
    'dfine-m': _transformers('ustc-community/dfine-medium-coco', 79),
    'dfine-l': _transformers('ustc-community/dfine-large-coco', 125),
    'dfine-x': _transformers('ustc-community/dfine-xlarge-coco', 251),
    'rtdetrv2-r18': _transformers('PekingU/rtdetr_v2_r18vd', 81),
    'rtdetrv2-r50': _transformers('PekingU/rtdetr_v2_r50vd', 172),
}
