"""What today's torch, NumPy and mmcv-lite need to run OpenMMLab's last releases.

Each shim names what it works around, and does nothing where that is absent (with a compiled mmcv,
OneDL's forks, a GPU, an older NumPy); none looks at a version number. ``install`` is called once,
when the package is registered; ``format_configs_once``, which only saves time, by our commands.
"""

import functools
import importlib
import importlib.util
import sys
import warnings
from types import ModuleType

# module -> what it is for; all come with the extras of setup.cfg.
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
    """Checks that the stack is complete, then applies every shim that is needed."""
    require_stack()
    provide_mmcv_ops()
    allow_checkpoint_globals()
    refuse_unsafe_fallback()
    patch_distributed_without_cuda()
    checkpoint_without_reentry()
    patch_circle_radius()


def require_stack() -> None:
    """Raises an ``ImportError`` that names the missing package and the extra that brings it."""
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
            'mmengine needs pkg_resources, which comes with setuptools but not with the newest: '
            "run pip install 'setuptools<81'."
        )


class UncompiledOps(ModuleType):
    """Stands in for ``mmcv._ext`` while ``mmcv.ops`` is imported."""

    @staticmethod
    def nms(boxes, scores, iou_threshold: float, offset: int = 0):
        """The one operator that mmdet's one-stage person detectors need, from torchvision."""
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
    """mmcv-lite: ``import mmpose.models`` imports ``mmcv.ops``, which wants ``mmcv._ext``.

    The stand-in leaves ``sys.modules`` again, so that ``mmcv_full_available()`` stays truthful.
    """
    if importlib.util.find_spec('mmcv._ext') is not None:
        return
    sys.modules['mmcv._ext'] = UncompiledOps('mmcv._ext')
    try:
        importlib.import_module('mmcv.ops')
    finally:
        del sys.modules['mmcv._ext']


def allow_checkpoint_globals() -> None:
    """torch >= 2.6 loads with ``weights_only``; mmengine's checkpoints hold log buffers and NumPy.

    Only data types are allowed. A pickled ``getattr`` (how a ``HistoryBuffer`` stores its
    statistics) is replaced by a look-up that knows nothing but those statistics.
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
    """``bytes`` for unpickling, as an array without elements asks for it: a dataset without a
    skeleton has one in its metainfo. An argument, which could ask for any memory, is refused."""
    return b''


def history_statistic(owner: type, name: str):
    """``getattr`` for unpickling, narrowed to the statistics of mmengine's ``HistoryBuffer``."""
    from mmengine.logging import HistoryBuffer

    if owner is not HistoryBuffer or name not in ('min', 'max', 'current', 'mean'):
        raise ValueError(
            f'refused: the checkpoint asks for attribute {name!r} of {owner!r}, which no '
            f'mmengine checkpoint does; it is not loaded.'
        )
    return getattr(HistoryBuffer, name)


def refuse_unsafe_fallback() -> None:
    """onedl-mmengine loads what ``weights_only`` refuses once more without, and runs its code."""
    import torch
    from mmengine.runner import checkpoint

    if hasattr(checkpoint, '_safe_torch_load'):
        checkpoint._safe_torch_load = torch.load


def patch_distributed_without_cuda() -> None:
    """mmengine calls ``torch.cuda.set_device`` for the gloo backend too, also without a GPU."""
    import torch
    from mmengine.device import is_cuda_available, is_mlu_available, is_npu_available
    from mmengine.dist import utils

    original = utils._init_dist_pytorch
    if is_cuda_available() or is_mlu_available() or is_npu_available():
        return

    @functools.wraps(original)
    def init_on_cpu(backend: str, init_backend: str = 'torch', **kwargs) -> None:
        backend = 'gloo' if backend == 'nccl' else backend
        torch.distributed.init_process_group(backend=backend, **kwargs)

    utils._init_dist_pytorch = init_on_cpu


def checkpoint_without_reentry() -> None:
    """mmengine leaves ``use_reentrant`` to torch, which loses gradients behind frozen patches."""
    used = importlib.import_module('mmengine.runner.activation_checkpointing')
    used.checkpoint = functools.partial(used.checkpoint, use_reentrant=False)  # a caller's wins


def patch_circle_radius() -> None:
    """mmpose's OpenCV drawing takes ``int`` of an array of one radius, which NumPy 2.4 refuses."""
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


@functools.cache
def format_configs_once() -> None:
    """mmengine lets yapf format the same config five times a run, two seconds each."""
    from mmengine.config import config
    from yapf.yapflib import yapf_api

    format_code = yapf_api.FormatCode
    last = {}

    @functools.wraps(format_code)
    def format_once(text: str, **kwargs):
        if last.get('asked') != (text, kwargs):
            last.update(asked=(text, kwargs), answer=format_code(text, **kwargs))
        return last['answer']

    for module in (yapf_api, config):  # mmengine imports it at the top, its fork where it is used
        if hasattr(module, 'FormatCode'):
            module.FormatCode = format_once
