"""Two ways to run a module: as it is, or compiled for fixed batch sizes."""

import os
import shutil
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from vitpose_plus.errors import RunError, UserError, reason

Compiler = Callable[[nn.Module], Callable[..., Any]]
# Graphs of one module: batch sizes times decoders or folded datasets. torch's limit is 8.
MAX_GRAPHS = 256
CUDA_GRAPHS = dict(mode='reduce-overhead')


def uncompiled(module: nn.Module) -> nn.Module:
    """The module itself."""
    return module


class Compiled(nn.Module):
    """A module that ``torch.compile`` makes faster; its first call takes a minute or more.

    A graph has one batch size. A batch is filled up to the next batch size that has a graph, or to
    a power of two if there is none, so the last batch of a run compiles nothing again. On a GPU a
    graph is replayed as a CUDA graph.

    Args:
        module: A module in evaluation mode. Its inputs have the batch in the first dimension, and
            so has its output: a tensor, or a tuple of tensors.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        is_on_gpu = any(each.is_cuda for each in module.parameters())
        self._run = torch.compile(module, dynamic=False, **(CUDA_GRAPHS if is_on_gpu else {}))
        self.sizes: set[int] = set()

    def forward(self, *inputs: Tensor) -> Any:
        count = len(inputs[0])
        size = self._size(count)
        try:
            with torch._dynamo.config.patch(recompile_limit=MAX_GRAPHS):
                found = self._run(*(_filled(each, size) for each in inputs))
        except torch._dynamo.exc.TorchDynamoException as error:
            raise RunError(
                f'torch.compile failed ({reason(error)}): leave out --compile (compile=False).'
            ) from error
        self.sizes.add(size)
        return tuple(each[:count] for each in found) if isinstance(found, tuple) else found[:count]

    def _size(self, count: int) -> int:
        return min(
            (size for size in self.sizes if size >= count), default=1 << (count - 1).bit_length()
        )


def _filled(each: Tensor, size: int) -> Tensor:
    """Repeats the last row of a batch until it has ``size`` rows."""
    if len(each) == size:
        return each
    return torch.cat([each, each[-1:].expand(size - len(each), *each.shape[1:])])


def check_compiler(device: torch.device) -> None:
    """Raises a ``UserError`` if a program that ``torch.compile`` needs is missing."""
    if device.type == 'cpu' and not shutil.which(os.environ.get('CXX', 'g++')):
        raise UserError(
            '--compile needs a C++ compiler for the processor: install g++ (or set the variable '
            'CXX to another one), or leave out --compile.'
        )
