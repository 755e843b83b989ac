"""Makes mmengine load files with our reader.

This covers a runner's ``load_from`` and ``resume``, ``init_cfg``, ``mim test``, mmpose's tools and
``init_model``. Other addresses (``torchvision://``) are still loaded by mmengine.
"""

from typing import Any

from mmengine.runner.checkpoint import CheckpointLoader

from vitpose_plus.checkpoints.opening import Place
from vitpose_plus.checkpoints.reading import read_whole


@CheckpointLoader.register_scheme(prefixes='', force=True)
def load_from_local(filename: str, map_location: Place | None = None) -> dict[str, Any]:
    """Replaces mmengine's loader of this name; the weights are always under ``state_dict``.

    They are copied, not mapped: a training may write a file of the same name. Without
    ``map_location`` they go to the CPU: the device that they were saved on may not exist here.
    """
    return read_whole(filename, mapped=False, place=map_location or 'cpu')
