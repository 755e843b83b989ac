"""An attention kind of your own: one class with ``forward(x, hw)``.

Shapes: B batch, H W token grid, C channels, M heads, D = C / M channels of a head.
"""

import torch
from mmpose.registry import MODELS
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from vitpose_plus.models import FullAttention


@MODELS.register_module()
class StripeAttention(FullAttention):
    """Half of the heads see a token's row, the other half its column (CSWin with stripes of 1)."""

    needs_grid = True

    def forward(self, x: Tensor, hw: tuple[int, int]) -> Tensor:
        """(B, H * W, C) -> (B, H * W, C); ``hw`` is the token grid (H, W)."""
        qkv = [part.unflatten(2, hw) for part in self.heads(self.qkv(x))]  # (B, M, H, W, D)
        half = self.num_heads // 2
        rows = scaled_dot_product_attention(*(part[:, :half] for part in qkv))
        columns = scaled_dot_product_attention(*(part[:, half:].transpose(2, 3) for part in qkv))
        x = torch.cat([rows, columns.transpose(2, 3)], dim=1)
        return self.proj(x.permute(0, 2, 3, 1, 4).flatten(3).flatten(1, 2))
