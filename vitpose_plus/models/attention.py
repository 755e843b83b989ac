"""Attention kinds: ``forward(x, hw) -> x``.

Shapes: B batch, H W token grid, P prefix tokens, N = P + H * W tokens, C channels, M heads,
D = C / M channels of a head.
"""

from mmpose.registry import MODELS
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from vitpose_plus.errors import UserError


@MODELS.register_module()
class FullAttention(nn.Module):
    """Multi-head self-attention among all tokens (ViTPose, section 3.1)."""

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        if dim % num_heads:
            raise UserError(f'dim={dim} must be a multiple of num_heads={num_heads}.')
        self.num_heads = num_heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor, hw: tuple[int, int]) -> Tensor:
        """(B, N, C) -> (B, N, C); ``hw`` is the token grid, of no concern to full attention."""
        qkv = self.qkv(x).unflatten(-1, (3, self.num_heads, -1))  # (B, N, 3, M, D)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # (B, M, N, D) each
        x = scaled_dot_product_attention(q, k, v)
        return self.proj(x.transpose(1, 2).flatten(2))
