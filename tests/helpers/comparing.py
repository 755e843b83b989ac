"""Compares numbers; the tolerance depends on their size and precision."""

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
    """Asserts that two results of the same computation differ only by rounding.

    The largest allowed difference is ``roundings`` times the largest value times the precision's
    eps (1.2e-7 for float32). The largest value counts, because a small value can be the difference
    of large terms, with their errors. The kernels and their order of summation depend on the
    processor and on the batch size. In the tests, networks differ by 1 to 7 roundings, and mistakes
    by thousands. Integers must be equal. If all expected values are zero, all values must be zero.

    Args:
        actual: Values of any shape; the elements of tuples are compared one by one.
        expected: Values of the same shape; if both are tensors, they must have the same type.
        roundings: The allowed number of roundings of the largest value.
        precision: The precision of the computation; the default is the coarser of the two types.
        name: The name of the values in the error.
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
    # torch's function is used, because `--parity` records its comparisons.
    torch.testing.assert_close(
        *scaled,
        rtol=0,
        atol=bound,
        msg=lambda text: f'{name}, in parts of its largest value, {largest:g}: {text}',
    )
