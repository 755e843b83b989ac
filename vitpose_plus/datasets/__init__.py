from vitpose_plus.datasets.apt36k import APT36KDataset
from vitpose_plus.datasets.multi_dataset import MultiDataset

__all__ = ['APT36KDataset', 'MultiDataset']
