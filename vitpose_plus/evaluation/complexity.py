"""Counts the operations of a backbone: torch counts the products while the model runs."""

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode


@torch.no_grad()
def multiply_adds(backbone: nn.Module, input_hw: tuple[int, int]) -> int:
    """Returns the multiply-adds of a backbone on the meta device for one picture.

    As in the papers, which call them FLOPs, all matrix products count, also those of attention
    (queries with keys, weights with values). Norms, activations and sums do not count.
    """
    image = torch.empty(1, 3, *input_hw, device='meta')
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        backbone(image)
    return counter.get_total_flops() // 2
