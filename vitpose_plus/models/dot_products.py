"""Scaled dot-product attention, by the kernel that is fast for the tensors.

Shapes: B batch, M heads, N queries, D channels of a value, D' >= D channels of a query.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from vitpose_plus.compat import processor_instructions

# The products keep the weights of all pairs for the backward pass. For 12 heads, a layer needs
# 2.5 MiB a sample for 192 tokens (torch's kernel: 1.1), and 10.4 MiB for 432 tokens (2.6).
FEW_KEYS = 512
INSTRUCTIONS = processor_instructions()
# Whether two products were measured to be faster in bf16. Processors with AMX were not measured.
PRODUCTS_ARE_FASTER = bool(INSTRUCTIONS.get('avx512_bf16') and not INSTRUCTIONS.get('amx_bf16'))


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, scale: float) -> Tensor:
    """Softmax of the scaled scores, times the values.

    In a training in bf16 on some processors this is two matrix products, because the backward pass
    of torch's kernel is slow there. They round the scores to bf16, so predictions do not use them.

    Args:
        q: (B, M, N, D').
        k: (B, M, keys, D').
        v: (B, M, keys, D).
        mask: Which keys a query sees, (B, 1, N, keys); None: all.
        scale: The factor of the scores.

    Returns:
        (B, M, N, D).
    """
    needs_gradient_in_bf16 = q.requires_grad and q.is_cpu and q.dtype == torch.bfloat16
    is_small = mask is None and k.shape[2] <= FEW_KEYS
    if PRODUCTS_ARE_FASTER and needs_gradient_in_bf16 and is_small:
        return by_two_products(q, k, v, scale)
    return by_kernel(q, k, v, mask, scale)


def by_kernel(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, scale: float) -> Tensor:
    """``attend`` by torch's kernel."""
    dim = v.shape[-1]
    if wider := q.shape[-1] - dim:  # fast kernels need values as wide as the queries
        v = F.pad(v, (0, wider))
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=scale)[..., :dim]


def by_two_products(q: Tensor, k: Tensor, v: Tensor, scale: float) -> Tensor:
    """``attend`` without a mask, by two batched matrix products."""
    queries, keys, values = (each.flatten(0, 1) for each in (q, k, v))
    unused = q.new_empty(1, 1, 1)
    scores = torch.baddbmm(unused, queries, keys.mT, beta=0, alpha=scale)
    return torch.bmm(scores.softmax(-1), values).unflatten(0, q.shape[:2])
