"""Runs the network on inputs, in batches that fit into the memory."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.dataset import pseudo_collate
from mmpose.structures import PoseDataSample
from torch import nn

from vitpose_plus.errors import RunError, UserError, reason

ON_GPU = 64  # crops in the first batch
ON_CPU = 16  # crops; larger batches are not faster
CROP_BYTES = 2**26  # memory for one crop in ViTPose-H, a high estimate


def device_of(name: str) -> torch.device:
    """Returns the device of a name: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.

    Raises:
        UserError: The device does not exist.
    """
    if name == 'auto':
        name = 'cuda' if torch.cuda.is_available() else 'cpu'
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()  # fails on a meta device, which has no memory
    except (RuntimeError, AssertionError) as error:
        raise UserError(
            f'The device {name} cannot be used ({reason(error).split(". ")[0]}): give auto, cpu or '
            'an existing GPU, for example cuda:0.'
        ) from error
    return device


def batch_size_of(size: int | str, device: torch.device) -> int:
    """Returns the batch size; for ``auto`` the first batch size of the device."""
    if size == 'auto':
        on_cpu = max(1, min(ON_CPU, free_memory() // 4 // CROP_BYTES))
        return on_cpu if device.type == 'cpu' else ON_GPU
    if not isinstance(size, int) or size < 1:
        raise UserError(f'The batch size {size} is wrong: give a positive integer, or auto.')
    return size


class BatchRunner:
    """Runs a network on batches, and halves the batch size if the GPU has too little memory.

    Args:
        network: A network in evaluation mode; it is moved to the device.
        device: The device on which the network runs.
        size: The batch size.
        on_message: A function that is called with a sentence when the batch size changes.
    """

    def __init__(
        self,
        network: nn.Module,
        device: torch.device,
        size: int,
        on_message: Callable[[str], None],
    ) -> None:
        self.network = network.to(device)
        self.device = device
        self.size = size
        self.on_message = on_message

    @torch.inference_mode()
    def __call__(self, inputs: Sequence[dict[str, Any]]) -> list[PoseDataSample]:
        """Returns the outputs for the inputs, in their order; runs as many batches as needed."""
        outputs = []
        while len(outputs) < len(inputs):
            batch = inputs[len(outputs) : len(outputs) + self.size]
            try:
                outputs += self.network.test_step(pseudo_collate(batch))
            except torch.OutOfMemoryError as error:
                self._halve(error)
        return outputs

    def _halve(self, error: Exception) -> None:
        if self.size == 1:
            raise RunError(
                f'The memory of {self.device} is too small for one input of this model: use a '
                'smaller model, or --device cpu.'
            ) from error
        torch.cuda.empty_cache()
        self.size //= 2
        self.on_message(
            f'The memory of {self.device} is too small: the batch size is now {self.size}.'
        )


@contextmanager
def memory_errors(device: str) -> Iterator[None]:
    """Raises a ``RunError`` if the device has too little memory for model and detector."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise RunError(
            f'The memory of the device ({device}) is too small for the model and the '
            'detector: use smaller ones, or --device cpu.'
        ) from error


def free_memory() -> int:
    """The free memory in bytes; 4 GiB if the system does not report it."""
    try:
        return os.sysconf('SC_AVPHYS_PAGES') * os.sysconf('SC_PAGE_SIZE')
    except (AttributeError, ValueError, OSError):  # not on Windows, and not with all names
        return 2**32
