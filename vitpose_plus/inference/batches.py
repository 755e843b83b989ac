"""Inputs through the network, in batches that fit into the memory."""

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import torch
from mmengine.dataset import pseudo_collate
from mmpose.structures import PoseDataSample
from torch import nn

from vitpose_plus.errors import RunError, UserError, reason

ON_GPU = 64  # crops, to begin with
ON_CPU = 16  # more are no faster
CROP_BYTES = 2**26  # that a crop takes on its way through ViTPose-H, generously
PRECISIONS: dict[str, Callable[[str], AbstractContextManager]] = {
    'fp32': lambda kind: nullcontext(),
    'bf16': partial(torch.autocast, dtype=torch.bfloat16),
}


def device_of(name: str) -> torch.device:
    """``auto``, ``cpu``, ``cuda`` or ``cuda:N``; a ``UserError`` if it is not there."""
    if name == 'auto':
        name = 'cuda' if torch.cuda.is_available() else 'cpu'
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()  # which a meta device, without memory, does not have
    except (RuntimeError, AssertionError) as error:
        raise UserError(
            f'The device {name} cannot be used ({reason(error).split(". ")[0]}): give auto, cpu or '
            'the number of a GPU that is there, as cuda:0.'
        ) from error
    return device


def precision_of(name: str) -> str:
    """``auto`` (single, here), ``fp32`` or ``bf16``; a ``UserError`` if it is none of these."""
    name = 'fp32' if name == 'auto' else name
    if name not in PRECISIONS:
        raise UserError(f'There is no precision {name}: give auto, {" or ".join(PRECISIONS)}.')
    return name


def batch_size_of(size: int | str, device: torch.device) -> int:
    """A number, or ``auto``: what a device takes to begin with."""
    if size == 'auto':
        on_cpu = max(1, min(ON_CPU, free_memory() // 4 // CROP_BYTES))
        return on_cpu if device.type == 'cpu' else ON_GPU
    if not isinstance(size, int) or size < 1:
        raise UserError(f'The batch size {size} is no number from 1 on: give one, or auto.')
    return size


class BatchRunner:
    """Runs a network on batches, and halves their size where the GPU's memory is short.

    Args:
        network: In evaluation mode; it is moved to the device.
        device: Where it runs.
        precision: A key of ``PRECISIONS``.
        size: Of a batch.
        say: Told when the size changes.
    """

    def __init__(
        self,
        network: nn.Module,
        device: torch.device,
        precision: str,
        size: int,
        say: Callable[[str], None],
    ) -> None:
        self.network = network.to(device)
        self.device = device
        self.precision = precision
        self.size = size
        self.say = say

    @torch.inference_mode()
    def __call__(self, inputs: Sequence[dict[str, Any]]) -> list[PoseDataSample]:
        """The outputs for some inputs, in their order, in as many batches as it takes."""
        outputs = []
        while len(outputs) < len(inputs):
            batch = inputs[len(outputs) : len(outputs) + self.size]
            try:
                with PRECISIONS[self.precision](self.device.type):
                    outputs += self.network.test_step(pseudo_collate(batch))
            except torch.OutOfMemoryError as error:
                self._halve(error)
        return outputs

    def _halve(self, error: Exception) -> None:
        if self.size == 1:
            raise RunError(
                f'The memory of {self.device} is too small for one input of this model: take a '
                'smaller model, or --device cpu.'
            ) from error
        torch.cuda.empty_cache()
        self.size //= 2
        self.say(f'The memory of {self.device} is short: going on with batches of {self.size}.')


def free_memory() -> int:
    """Bytes that no process uses; where the system does not say, as many as a small machine has."""
    try:
        return os.sysconf('SC_AVPHYS_PAGES') * os.sysconf('SC_PAGE_SIZE')
    except (AttributeError, ValueError, OSError):  # not on Windows, not by every name
        return 2**32
