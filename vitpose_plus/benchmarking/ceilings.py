"""The matrix ceiling: the speed of large matrix products, measured in the same run."""

from functools import partial

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from vitpose_plus.benchmarking.ways import Role, Way
from vitpose_plus.errors import UserError
from vitpose_plus.inference.precisions import PRECISIONS, precision_of

SIDE = 4096  # rows and columns of the matrices
CEILING = f'{SIDE}x{SIDE} matrix product'


def computes(precision: str, device: torch.device) -> bool:
    """Whether torch computes in a precision on this device, and not much slower than in fp32."""
    try:
        return precision_of(precision, device) == precision
    except UserError:
        return False


def product(precision: str, device: torch.device, side: int = SIDE) -> Way:
    """A way that multiplies two random matrices of this precision."""
    a, b = (torch.randn(side, side, device=device).to(PRECISIONS[precision]) for _ in range(2))
    out = torch.empty_like(a)
    run = partial(torch.mm, a, b, out=out)
    return Way(CEILING, precision, run, 1, 2.0 * side**3, role=Role.CEILING)


def forward_flops(model: nn.Module, input_hw: tuple[int, int]) -> int:
    """The floating-point operations of a plain model for one crop, as torch counts them.

    Args:
        model: A top-down model of one dataset, on the meta device.
        input_hw: Height and width of the crop.
    """
    with torch.no_grad():
        return _count(model, input_hw, backward=False)


def training_flops(model: nn.Module, input_hw: tuple[int, int]) -> int:
    """The operations of the forward and the backward pass, without those of the optimiser."""
    return _count(model, input_hw, backward=True)


def _count(model: nn.Module, input_hw: tuple[int, int], backward: bool) -> int:
    image = torch.empty(1, 3, *input_hw, device='meta')
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        feats = model.backbone(image)
        heatmaps = model.head(model.neck(feats) if model.with_neck else feats)
        if backward:
            heatmaps.sum().backward()
    return counter.get_total_flops()
