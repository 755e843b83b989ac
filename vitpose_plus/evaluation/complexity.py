"""What a backbone costs, counted and not estimated: torch counts the products as they are made."""

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode


@torch.no_grad()
def multiply_adds(backbone: nn.Module, input_hw: tuple[int, int]) -> int:
    """Multiply-adds of one image through a backbone on the meta device, where none takes time.

    All matrix products, those of queries with keys and of weights with values too, as the papers
    count (what they call FLOPs); norms, activations and sums are left out.
    """
    image = torch.empty(1, 3, *input_hw, device='meta')
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        backbone(image)
    return counter.get_total_flops() // 2
