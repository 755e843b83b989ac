"""Scaled dot-product attention, by the kernel that is fast for the tensors.

Shapes: B batch, M heads, N queries, D channels of a value, D' >= D channels of a query.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

FEW_KEYS = 512  # with more, all scores need much memory
ABLE = torch.cpu.get_capabilities()
# Whether the processor is of the kind on which the two ways were measured.
IS_MEASURED = bool(ABLE.get('avx512_bf16') and not ABLE.get('amx_bf16'))


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, scale: float) -> Tensor:
    """Softmax of the scaled scores, times the values.

    Args:
        q: (B, M, N, D').
        k: (B, M, keys, D').
        v: (B, M, keys, D).
        mask: Which keys a query sees, (B, 1, N, keys); None: all.
        scale: The factor of the scores.

    Returns:
        (B, M, N, D).
    """
    if IS_MEASURED and _trains_in_bf16_on_cpu(q) and mask is None and k.shape[2] <= FEW_KEYS:
        return by_two_products(q, k, v, scale)
    dim = v.shape[-1]
    if wider := q.shape[-1] - dim:  # fast kernels need values as wide as the queries
        v = F.pad(v, (0, wider))
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=scale)[..., :dim]


def _trains_in_bf16_on_cpu(q: Tensor) -> bool:
    return q.requires_grad and q.is_cpu and q.dtype == torch.bfloat16


def by_two_products(q: Tensor, k: Tensor, v: Tensor, scale: float) -> Tensor:
    """The same as ``attend`` without a mask, as two batched matrix products.

    torch's fused kernel for a CPU takes about 2.5 times as long in bf16, forward and backward pass
    together (192 and 432 tokens, AVX512_BF16). Processors with AMX were not measured. The products
    round the scores to bf16, so ``attend`` uses them in training only.
    """
    queries, keys, values = (each.flatten(0, 1) for each in (q, k, v))
    unused = q.new_empty(1, 1, 1)
    scores = torch.baddbmm(unused, queries, keys.mT, beta=0, alpha=scale)
    return torch.bmm(scores.softmax(-1), values).unflatten(0, q.shape[:2])
