"""Shims that OpenMMLab's last releases need to run with current torch, NumPy and mmcv-lite, and
what older releases of torch do not have (``processor_instructions``).

Each shim states the problem that it solves, and does nothing without this problem (with a compiled
mmcv, OneDL's forks, a GPU or an older NumPy). No shim checks a version number. ``install`` runs
once, when the package is registered. Our commands run ``format_configs_once``, to save time.
"""

import functools
import importlib
import importlib.util
import sys
import warnings
from collections.abc import Callable
from types import ModuleType

# Module -> its purpose. The extras in setup.cfg install all of them.
REQUIRED = {
    'torch': 'tensors',
    'torchvision': 'mmpose and mmdet import it',
    'mmengine': 'runner and configs',
    'mmcv': 'image transforms',
    'mmdet': 'mmpose imports it',
    'mmpose': 'datasets, codecs and metrics',
    'xtcocotools': 'COCO files and metrics',
}


def install() -> None:
    """Checks that all required packages are installed, then applies every shim that is needed."""
    require_stack()
    provide_mmcv_ops()
    allow_checkpoint_globals()
    refuse_unsafe_fallback()
    patch_distributed_without_cuda()
    checkpoint_without_reentry()
    patch_circle_radius()
    number_keypoints_by_their_keys()


def require_stack() -> None:
    """Raises an ``ImportError`` that names the missing package and the extra that installs it."""
    for name, purpose in REQUIRED.items():
        if importlib.util.find_spec(name) is None:
            raise ImportError(
                f'vitpose_plus needs {name} ({purpose}), which is not installed: '
                f"run pip install 'vitpose_plus[lite]' (or [mim], [onedl]; see the README)."
            )
    from mmengine.utils import package_utils

    used = package_utils.get_installed_path.__code__.co_names
    if 'pkg_resources' in used and importlib.util.find_spec('pkg_resources') is None:
        raise ImportError(
            'mmengine needs pkg_resources, which the newest setuptools does not contain: '
            "run pip install 'setuptools<81'."
        )


def processor_instructions() -> dict[str, object]:
    """The instructions of the processor, as torch names them; none in older releases of torch."""
    import torch

    return getattr(torch.cpu, 'get_capabilities', dict)()


class UncompiledOps(ModuleType):
    """Replaces ``mmcv._ext`` while ``mmcv.ops`` is imported."""

    @staticmethod
    def nms(boxes, scores, iou_threshold: float, offset: int = 0):
        """torchvision's NMS: the only operator that mmdet's one-stage person detectors need."""
        from torchvision.ops import nms

        boxes = boxes.clone()
        boxes[:, 2:] += offset  # offset 1: boxes that include their last pixel
        return nms(boxes, scores, iou_threshold)

    def __getattr__(self, name: str):
        if name.startswith('__'):
            raise AttributeError(name)

        def uncompiled(*args, **kwargs):
            raise NotImplementedError(
                f'mmcv.ops.{name} needs the compiled mmcv, but only its Python part is installed: '
                f'install a full mmcv to use it (ViTPose itself needs none of these operators).'
            )

        return uncompiled


def provide_mmcv_ops() -> None:
    """``mmpose.models`` imports ``mmcv.ops``, which imports ``mmcv._ext``; mmcv-lite has none.

    The replacement is removed from ``sys.modules``, so that ``mmcv_full_available()`` is correct.
    """
    if importlib.util.find_spec('mmcv._ext') is not None:
        return
    sys.modules['mmcv._ext'] = UncompiledOps('mmcv._ext')
    try:
        importlib.import_module('mmcv.ops')
    finally:
        del sys.modules['mmcv._ext']


def allow_checkpoint_globals() -> None:
    """torch >= 2.6 loads ``weights_only``, but mmengine's files contain log buffers and NumPy.

    Only data types are allowed. A ``HistoryBuffer`` stores its statistics with a pickled
    ``getattr``: it is replaced by a function that returns only these statistics.
    """
    import numpy as np
    import torch
    from mmengine.logging import HistoryBuffer

    multiarray = np.empty(0).__reduce__()[0]  # numpy(._core|.core).multiarray._reconstruct
    scalar = np.float64(0).__reduce__()[0]
    allowed = [HistoryBuffer, np.ndarray, np.dtype, (history_statistic, 'builtins.getattr')]
    allowed += [(no_bytes, 'builtins.bytes')]
    for numpy_1_or_2 in ('numpy.core.multiarray', 'numpy._core.multiarray'):
        allowed += [
            (multiarray, f'{numpy_1_or_2}._reconstruct'),
            (scalar, f'{numpy_1_or_2}.scalar'),
        ]
    allowed += {type(np.dtype(code)) for code in '?bBhHiIlLqQefd'}
    torch.serialization.add_safe_globals(allowed)


def no_bytes() -> bytes:
    """Replaces ``bytes`` in unpickling, for empty arrays: the metainfo of a dataset without a
    skeleton has one. Arguments are refused, because they could allocate any amount of memory."""
    return b''


def history_statistic(owner: type, name: str):
    """Replaces ``getattr`` in unpickling: returns only statistics of ``HistoryBuffer``."""
    from mmengine.logging import HistoryBuffer

    if owner is not HistoryBuffer or name not in ('min', 'max', 'current', 'mean'):
        raise ValueError(
            f'refused: the checkpoint uses attribute {name!r} of {owner!r}, which no '
            f'mmengine checkpoint does; it is not loaded.'
        )
    return getattr(HistoryBuffer, name)


def refuse_unsafe_fallback() -> None:
    """onedl-mmengine loads refused files again without ``weights_only``: it runs their code."""
    import torch
    from mmengine.runner import checkpoint

    if hasattr(checkpoint, '_safe_torch_load'):
        checkpoint._safe_torch_load = torch.load


def patch_distributed_without_cuda() -> None:
    """mmengine calls ``torch.cuda.set_device`` for the gloo backend too, even without a GPU."""
    from mmengine.device import is_cuda_available, is_mlu_available, is_npu_available
    from mmengine.dist import utils

    if is_cuda_available() or is_mlu_available() or is_npu_available():
        return
    for name in ('_init_dist_pytorch', '_init_dist_slurm', '_init_dist_mpi'):
        setattr(utils, name, _on_cpu(getattr(utils, name)))


def _on_cpu(init: Callable[..., None]) -> Callable[..., None]:
    """Returns a function of mmengine that starts a process group, for machines without a GPU."""
    import torch

    @functools.wraps(init)
    def init_on_cpu(backend: str, **kwargs) -> None:
        set_device, torch.cuda.set_device = torch.cuda.set_device, lambda _: None
        try:
            init('gloo' if backend == 'nccl' else backend, **kwargs)
        finally:
            torch.cuda.set_device = set_device

    return init_on_cpu


def checkpoint_without_reentry() -> None:
    """mmengine does not set ``use_reentrant``; torch's default loses gradients (frozen patches)."""
    used = importlib.import_module('mmengine.runner.activation_checkpointing')
    used.checkpoint = functools.partial(used.checkpoint, use_reentrant=False)  # only a default


def patch_circle_radius() -> None:
    """mmpose calls ``int`` on an array with one radius (OpenCV backend): NumPy 2.4 refuses it."""
    import numpy as np
    from mmpose.visualization.opencv_backend_visualizer import OpencvBackendVisualizer

    try:
        with warnings.catch_warnings(action='ignore'):
            int(np.ones(1))
        return
    except TypeError:
        original = OpencvBackendVisualizer.draw_circles

    @functools.wraps(original)
    def draw_circles(self, center, radius, *args, **kwargs):
        if self.backend == 'opencv':
            radius = np.asarray(radius).reshape(())
        return original(self, center, radius, *args, **kwargs)

    OpencvBackendVisualizer.draw_circles = draw_circles


def number_keypoints_by_their_keys() -> None:
    """mmengine writes the keys of a config in the order of their texts: 0, 1, 10, 2. mmpose takes
    the partners and colours of keypoints in the order of the keys, so those of 11 or more
    keypoints were wrong in the config of every training folder."""
    utils = importlib.import_module('mmpose.datasets.datasets.utils')
    original = utils.parse_pose_metainfo

    @functools.wraps(original)
    def parse_pose_metainfo(metainfo: dict) -> dict:
        tables = {key: metainfo.get(key) for key in ('keypoint_info', 'skeleton_info')}
        by_key = {
            key: dict(sorted(table.items()))
            for key, table in tables.items()
            if isinstance(table, dict) and all(isinstance(each, int) for each in table)
        }
        return original({**metainfo, **by_key})

    for name, module in list(sys.modules.items()):  # many modules import the function itself
        if name.startswith('mmpose.') and vars(module).get('parse_pose_metainfo') is original:
            module.parse_pose_metainfo = parse_pose_metainfo


@functools.cache
def format_configs_once() -> None:
    """mmengine formats the same config with yapf five times per run: two seconds each."""
    from mmengine.config import config
    from yapf.yapflib import yapf_api

    format_code = yapf_api.FormatCode
    last = {}

    @functools.wraps(format_code)
    def format_once(text: str, **kwargs):
        if last.get('input') != (text, kwargs):
            last.update(input=(text, kwargs), output=format_code(text, **kwargs))
        return last['output']

    for module in (yapf_api, config):  # mmengine imports it into config, its fork only when used
        if hasattr(module, 'FormatCode'):
            module.FormatCode = format_once
