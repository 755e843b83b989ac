from vitpose_plus.datasets.apt36k import APT36KDataset
from vitpose_plus.datasets.mpii import ZeroBasedMpiiDataset
from vitpose_plus.datasets.multi_dataset import MultiDataset
from vitpose_plus.datasets.transforms import StretchedTopdownAffine

__all__ = ['APT36KDataset', 'MultiDataset', 'StretchedTopdownAffine', 'ZeroBasedMpiiDataset']
