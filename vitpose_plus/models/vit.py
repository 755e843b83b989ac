"""The plain vision transformer of ViTPose and ViTPose+.

Shapes: B batch, H W token grid, N = H * W tokens, C channels.
"""

from typing import NamedTuple

import torch
from mmcv.cnn.bricks import DropPath
from mmengine.model import BaseModule
from mmpose.registry import MODELS
from torch import Tensor, nn

from vitpose_plus.errors import UserError


class Arch(NamedTuple):
    depth: int
    dim: int
    num_heads: int


ARCHS = {
    'tiny': Arch(4, 128, 4),  # ours, for the demo and the tests
    'small': Arch(12, 384, 12),
    'base': Arch(12, 768, 12),
    'large': Arch(24, 1024, 16),
    'huge': Arch(32, 1280, 16),
}


class TransformerLayer(nn.Module):
    """Pre-norm attention and FFN, handed in finished; it has no choices of its own."""

    def __init__(self, dim: int, attention: nn.Module, ffn: nn.Module, drop_path: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attention = attention
        self.norm2 = nn.LayerNorm(dim, eps=1e-6)
        self.ffn = ffn
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor, hw: tuple[int, int], dataset_index: Tensor | None) -> Tensor:
        x = x + self.drop_path(self.attention(self.norm1(x), hw))
        return x + self.drop_path(self.ffn(self.norm2(x), dataset_index))


@MODELS.register_module()
class ViT(BaseModule):
    """Patches, positions, transformer layers, a final norm: one feature map (section 3.1).

    Args:
        arch: A name in ``ARCHS`` or a mapping with its three fields.
        input_hw: Height and width of the input, in pixels.
        patch: The projection's ``kernel_size``, ``stride`` and ``padding``, in pixels. The
            authors' padding of 2 leaves 256x192 at 16x12 tokens.
        attention: Config of the attention; width and heads are filled in.
        ffn: Config of the FFN; the width is filled in.
        drop_path_rate: Rate of the last layer; it grows linearly from 0.
    """

    def __init__(
        self,
        arch: str | dict = 'base',
        input_hw: tuple[int, int] = (256, 192),
        patch: dict | None = None,
        attention: dict | None = None,
        ffn: dict | None = None,
        drop_path_rate: float = 0.0,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        depth, dim, num_heads = find_arch(arch)
        attention = dict(attention or dict(type='FullAttention'), dim=dim, num_heads=num_heads)
        ffn = dict(ffn or dict(type='SharedFFN'), dim=dim)
        self.input_hw = tuple(input_hw)
        self.patch_embed = nn.Conv2d(
            3, dim, **(patch or dict(kernel_size=16, stride=16, padding=2))
        )
        self.pos_embed = nn.Parameter(torch.empty(1, self.count_patches(), dim))
        rates = torch.linspace(0, drop_path_rate, depth, device='cpu').tolist()
        self.layers = nn.ModuleList(
            TransformerLayer(dim, MODELS.build(attention), MODELS.build(ffn), rate)
            for rate in rates
        )
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.reset_parameters()

    def count_patches(self) -> int:
        h, w = (
            (side + 2 * p - k) // s + 1
            for side, k, s, p in zip(
                self.input_hw,
                self.patch_embed.kernel_size,
                self.patch_embed.stride,
                self.patch_embed.padding,
                strict=True,
            )
        )
        return h * w

    def reset_parameters(self) -> None:
        """As the authors': truncated normal 0.02, zero biases, torch's default for the patches."""
        nn.init.trunc_normal_(self.pos_embed, std=0.02)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor, dataset_index: Tensor | None = None) -> tuple[Tensor]:
        """(B, 3, height, width) -> a tuple of one feature map (B, C, H, W)."""
        if x.shape[-2:] != self.input_hw:
            raise ValueError(
                f'The images are {tuple(x.shape[-2:])} (height, width), the model was built for '
                f'{self.input_hw}: give both the same input_hw in the config.'
            )
        x = self.patch_embed(x)
        hw = x.shape[-2:]
        x = x.flatten(2).transpose(1, 2) + self.pos_embed  # (B, N, C)
        for layer in self.layers:
            x = layer(x, hw, dataset_index)
        return (self.norm(x).transpose(1, 2).unflatten(2, hw).contiguous(),)


def find_arch(arch: str | dict) -> Arch:
    """Looks ``arch`` up by name, or builds it from its fields."""
    if isinstance(arch, dict):
        return Arch(**arch)
    if arch not in ARCHS:
        raise UserError(
            f'arch={arch!r} is not known: use one of {", ".join(ARCHS)}, '
            f'or a dict of {", ".join(Arch._fields)}.'
        )
    return ARCHS[arch]
