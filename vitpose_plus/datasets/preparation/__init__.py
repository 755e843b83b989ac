"""Converts official annotation files to the files that the dataset classes read.

Each module has ``prepare(source, root, force, progress)``, which returns the contents of the files
to write, by their path. They are in ``root``, the dataset's folder, with the unpacked pictures.
"""

from vitpose_plus.datasets.preparation import aic, apt36k
from vitpose_plus.datasets.preparation.sources import write

PREPARATIONS = dict(aic=aic.prepare, apt36k=apt36k.prepare)

__all__ = ['PREPARATIONS', 'write']
