"""Dataset classes and transforms that are missing in mmpose.

The packages in this folder check datasets, prepare their files, and write synthetic figures.
"""

from vitpose_plus.datasets.apt36k import APT36KDataset
from vitpose_plus.datasets.bottom_up import CrowdHeatmapMask, WholePictureFlip
from vitpose_plus.datasets.interhand import InterHand2DDataset
from vitpose_plus.datasets.mpii import ZeroBasedMpiiDataset
from vitpose_plus.datasets.multi_dataset import MultiDataset
from vitpose_plus.datasets.pretraining import (
    MiddlePictureCrop,
    RandomPersonCrop,
    RandomPictureCrop,
)
from vitpose_plus.datasets.transforms import (
    ClippedNormalBBoxTransform,
    LoadImageOnce,
    StretchedTopdownAffine,
)

__all__ = [
    'APT36KDataset',
    'ClippedNormalBBoxTransform',
    'CrowdHeatmapMask',
    'InterHand2DDataset',
    'LoadImageOnce',
    'MiddlePictureCrop',
    'MultiDataset',
    'RandomPersonCrop',
    'RandomPictureCrop',
    'StretchedTopdownAffine',
    'WholePictureFlip',
    'ZeroBasedMpiiDataset',
]
