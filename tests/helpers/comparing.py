"""A comparison whose bound follows from the size of the numbers and from their precision."""

import numpy as np
import torch
from torch import Tensor


def assert_same(
    actual: Tensor | np.ndarray | float,
    expected: Tensor | np.ndarray | float,
    roundings: float = 32,
    precision: torch.dtype | None = None,
    name: str = 'the tensor',
) -> None:
    """Two ways of computing the same differ by their rounding alone.

    No value is off by more than ``roundings`` times the largest value times the precision's eps
    (1.2e-7 of float32). The largest, not its own: what is small may be left of large terms, and has
    their errors. Which kernels run, and in which order they sum, depends on the processor and on
    the sizes of the batch. The networks of the tests were seen to be off by 1 to 7 roundings; a
    mistake is off by thousands. Integers must be equal, and zero where
    all is to be zero.

    Args:
        actual: Of any shape; tuples are compared one by one.
        expected: Of the same shape, and if both are tensors of the same type.
        roundings: Of the largest value.
        precision: That of the computation; by default the coarser of the two types.
        name: For the error.
    """
    if isinstance(expected, tuple | list):
        for one, other in zip(actual, expected, strict=True):
            assert_same(one, other, roundings, precision, name)
        return
    if isinstance(actual, Tensor) and isinstance(expected, Tensor):
        assert actual.dtype == expected.dtype, name
    both = [torch.as_tensor(values).detach() for values in (actual, expected)]
    types = [values.dtype for values in both if values.is_floating_point()]
    types = [precision] if precision else types
    eps = max((torch.finfo(dtype).eps for dtype in types), default=0.0)
    largest = both[1].abs().max().item() if both[1].numel() else 0.0
    scaled = [values.double() / (largest or 1.0) for values in both]
    bound = roundings * eps if largest else 0.0
    # By torch's own function: `--parity` notes what it compares.
    torch.testing.assert_close(
        *scaled,
        rtol=0,
        atol=bound,
        msg=lambda text: f'{name}, in parts of its largest value, {largest:g}: {text}',
    )
