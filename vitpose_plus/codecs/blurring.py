"""The Gaussian blur of DARK, only at the nine pixels around each peak.

Autocast and TF32 do not change it: it is a sum of products, not a convolution.
"""

from collections.abc import Sequence
from functools import reduce

import cv2
import torch
from torch import Tensor


def log_blurred(window: Tensor, kernel_size: int) -> Tensor:
    """The map around peaks (..., size + 2, size + 2) -> log of the blurred map (..., 3, 3).

    The peaks come last in memory, so that the CPU computes many of them at a time.
    """
    kernel = gaussian(kernel_size, window).view(-1, *[1] * window.ndim)
    values = window.movedim((-2, -1), (0, 1)).contiguous()
    for axis in (1, 0):  # along x, then along y
        values = _summed(values.unfold(axis, kernel_size, 1).movedim(-1, 0) * kernel)
    return values.movedim((0, 1), (-2, -1)).clamp(1e-3, 50.0).log()


def _summed(parts: Tensor) -> Tensor:
    """(N, ...) -> the sum (...), in a fixed order, so that it does not depend on the batch.

    It is the order in which torch adds up few numbers: four sums, and the rest to the first one.
    """
    stop = len(parts) // 4 * 4
    if not stop:
        return reduce(torch.add, parts.unbind())
    first, *others = reduce(torch.add, parts[:stop].split(4)).unbind()
    return reduce(torch.add, [first, *parts[stop:].unbind(), *others])


def gaussian(size: int, like: Tensor) -> Tensor:
    """OpenCV's Gaussian kernel (size,), whose sigma follows from its size."""
    return constant(cv2.getGaussianKernel(size, 0)[:, 0].tolist(), like)


def constant(values: Sequence[float], like: Tensor) -> Tensor:
    """Numbers -> a tensor of the type and on the device of another one.

    The device does not wait for it: the few bytes are copied before the call returns.
    """
    made = torch.tensor(values, dtype=like.dtype, device='cpu')
    return made.to(like.device, non_blocking=True)
