"""Two ways to run a module: as it is, or compiled for fixed batch sizes."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map_only

from vitpose_plus.engine.compiling import require_cxx
from vitpose_plus.errors import RunError, reason

Compiler = Callable[[nn.Module], Callable[..., Any]]
# Graphs of one module: batch sizes times decoders or folded datasets. torch's limit is 8.
MAX_GRAPHS = 256
# Small batches that are filled up to at least four times their size before they get a graph.
PATIENCE = 16


def uncompiled(module: nn.Module) -> nn.Module:
    """The module itself."""
    return module


class Compiled(nn.Module):
    """A module that ``torch.compile`` makes faster; its first call takes a minute or more.

    A graph has one batch size. A batch is filled up to the next batch size that has a graph, or to
    a power of two if there is none, so the last batch of a run compiles nothing again. If many
    batches are far smaller than all graphs, as in a film with few people, they get their own graph.

    Args:
        module: A module in evaluation mode. Its inputs have the batch in the first dimension, and
            so have all tensors of its output.
    """

    options: dict[str, Any] = {}  # of ``torch.compile``

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self._run = torch.compile(module, dynamic=False, **self.options)
        self.sizes: set[int] = set()
        self.small: Counter[int] = Counter()

    def forward(self, *inputs: Tensor) -> Any:
        count = len(inputs[0])
        size = self._size(count)
        try:
            with torch._dynamo.config.patch(recompile_limit=MAX_GRAPHS):
                found = self._run(*(self.filled(each, size) for each in inputs))
        except torch._dynamo.exc.TorchDynamoException as error:
            raise RunError(
                f'torch.compile failed ({reason(error)}): leave out --compile (compile=False).'
            ) from error
        except torch.OutOfMemoryError:  # a smaller batch must not be filled up to this size again
            self.sizes = {each for each in self.sizes if each < size}
            raise
        self.sizes.add(size)
        return tree_map_only(Tensor, lambda each: self.kept(each[:count]), found)

    def _size(self, count: int) -> int:
        own = 1 << max(count - 1, 0).bit_length()
        existing = min((size for size in self.sizes if size >= own), default=own)
        self.small[own] += existing >= 4 * own
        return own if self.small[own] > PATIENCE else existing

    def filled(self, each: Tensor, size: int) -> Tensor:
        """Adds rows of zeros to an input until it has ``size`` rows."""
        if len(each) == size:
            return each
        return torch.cat([each, each.new_zeros(size - len(each), *each.shape[1:])])

    def kept(self, each: Tensor) -> Tensor:
        """Returns an output that later calls do not change."""
        return each


class Replayed(Compiled):
    """A compiled module on a GPU, whose graphs are replayed as CUDA graphs.

    A CUDA graph writes each output into the memory of the output before, and takes no input from
    the CPU.
    """

    options = dict(mode='reduce-overhead')

    def __init__(self, module: nn.Module) -> None:
        super().__init__(module)
        self.device = next(module.parameters()).device

    def filled(self, each: Tensor, size: int) -> Tensor:
        return super().filled(each, size).to(self.device, non_blocking=True)

    def kept(self, each: Tensor) -> Tensor:
        return each.clone()


def compiler_of(device: torch.device) -> type[Compiled]:
    """The class that compiles a module on this device."""
    return dict(cuda=Replayed).get(device.type, Compiled)


def check_compiler(device: torch.device) -> None:
    """Raises a ``UserError`` if a program that ``torch.compile`` needs is missing."""
    if device.type == 'cpu':
        require_cxx()
