"""Official annotation files, made into those that the dataset classes read.

Each module has ``prepare(source, root, force, progress)``, which returns the content of the files
to write, by their path in ``root``, the dataset's folder; the pictures lie there already.
"""

from vitpose_plus.datasets.preparation import aic, apt36k
from vitpose_plus.datasets.preparation.sources import write

PREPARATIONS = dict(aic=aic.prepare, apt36k=apt36k.prepare)

__all__ = ['PREPARATIONS', 'write']
