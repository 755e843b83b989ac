"""The decoder of masked autoencoding: a light network that only the pre-training uses.

Shapes: B batch, H W token grid, N = H * W patches, K kept patches, C channels of the encoder,
D channels of the decoder, P values of a patch.
"""

from functools import partial

import torch
from mmpose.registry import MODELS
from torch import Tensor, nn

from vitpose_plus.errors import UserError
from vitpose_plus.models.attention import FullAttention
from vitpose_plus.models.ffn import SharedFFN
from vitpose_plus.models.positions import sine_table
from vitpose_plus.models.vit import TransformerLayer


@MODELS.register_module()
class MaskedDecoder(nn.Module):
    """Predicts all patches from the encoded kept patches.

    Positions are fixed sines and cosines, as in MAE. A light decoder need not learn them, and they
    fit every grid. The token that replaces masked patches is learnt.

    Args:
        in_dim: Channels C of the encoder.
        out_dim: P, the number of values of a patch.
        depth: Number of layers.
        dim: D, a multiple of 4.
        num_heads: A divisor of D.
    """

    def __init__(
        self, in_dim: int, out_dim: int, depth: int = 8, dim: int = 512, num_heads: int = 16
    ) -> None:
        super().__init__()
        if dim % 4:
            raise UserError(f"The decoder's dim={dim} must be a multiple of 4 for its positions.")
        norm = partial(nn.LayerNorm, dim, eps=1e-6)
        self.embed = nn.Linear(in_dim, dim)
        self.mask_token = nn.Parameter(torch.empty(dim))  # 1 dimension: no weight decay
        self.layers = nn.ModuleList(
            # The grid (1, 1) has no effect: only relative positions use it.
            TransformerLayer(norm, FullAttention(dim, num_heads, (1, 1)), SharedFFN(dim), 0.0)
            for _ in range(depth)
        )
        self.norm = norm()
        self.predict = nn.Linear(dim, out_dim)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialises as in MAE: normal 0.02 for the token, ``reset_linear`` for the layers."""
        nn.init.normal_(self.mask_token, std=0.02)
        reset_linear(self)

    def forward(self, x: Tensor, kept: Tensor, hw: tuple[int, int]) -> Tensor:
        """Encoded patches (B, K, C) and their indices (B, K) in the grid ``hw`` -> (B, N, P)."""
        x = self.embed(x)
        tokens = self.mask_token.to(x.dtype).repeat(x.shape[0], hw[0] * hw[1], 1)
        x = tokens.scatter(1, kept[..., None].expand_as(x), x)
        x = x + sine_table(hw, x.shape[-1], x.device).to(x.dtype)
        for layer in self.layers:
            x = layer(x, hw, None)
        return self.predict(self.norm(x))


def reset_linear(model: nn.Module) -> None:
    """Initialises linear layers as in MAE: Xavier's uniform, zero biases. Norms stay at 1 and 0."""
    for module in model.modules():
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)
