"""mmengine's own loading of files goes through our reader.

So does whatever uses it: a runner's ``load_from`` and ``resume``, ``init_cfg``, ``mim test``,
mmpose's tools and ``init_model``. Other addresses (``torchvision://``) stay mmengine's.
"""

from typing import Any

from mmengine.runner.checkpoint import CheckpointLoader

from vitpose_plus.checkpoints.opening import Place
from vitpose_plus.checkpoints.reading import read_whole


@CheckpointLoader.register_scheme(prefixes='', force=True)
def load_from_local(filename: str, map_location: Place | None = None) -> dict[str, Any]:
    """What mmengine's loader of this name does, with the weights always as ``state_dict``.

    They are copied, not mapped: a training may write a file of the same name. Without a place they
    go to the CPU, as the device that they were saved on may not be there.
    """
    return read_whole(filename, mapped=False, place=map_location or 'cpu')
