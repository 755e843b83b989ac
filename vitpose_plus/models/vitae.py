"""ViTAE: a plain vision transformer with convolutions parallel to its attention (ViTPose-G).

Shapes: B batch, H W token grid, P prefix tokens, N = P + H * W tokens, C channels, k kernel size.
"""

from collections.abc import Callable

from mmpose.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional as F

from vitpose_plus.errors import UserError
from vitpose_plus.models.vit import TransformerLayer, ViT

GROUP = 4  # channels per group, at every published width
KERNELS = ('expand.weight', 'reduce.weight')


@MODELS.register_module()
class ParallelConvolution(nn.Module):
    """The convolution branch of ViTAE (PCM), in the shallow form that its plain backbones have.

    Grouped convolution C -> 4 C, batch norm, SiLU, grouped convolution 4 C -> C. Each device uses
    its own batch statistics, as in the decoders: every sample gives H * W values per channel.

    Args:
        dim: Channels C of a token.
        kernel_size: k, odd. MAE pre-trains with 1, because neighbours are masked. Smaller kernels
            of a checkpoint are padded with zeros, and then compute the same function.
    """

    def __init__(self, dim: int, kernel_size: int = 3) -> None:
        super().__init__()
        if dim % GROUP or kernel_size % 2 == 0:
            raise UserError(
                f'dim={dim} must be a multiple of {GROUP}, and kernel_size={kernel_size} odd.'
            )
        sizes = dict(kernel_size=kernel_size, padding=kernel_size // 2, groups=dim // GROUP)
        self.expand = nn.Conv2d(dim, 4 * dim, **sizes)
        self.norm = nn.BatchNorm2d(4 * dim)
        self.reduce = nn.Conv2d(4 * dim, dim, **sizes)
        self._register_load_state_dict_pre_hook(self._widen_kernels)

    def _widen_kernels(self, state_dict: dict, prefix: str, *args) -> None:
        """Pads the checkpoint's kernels to the model's size, before loading."""
        for name in KERNELS:
            if (key := f'{prefix}{name}') in state_dict:
                size = self.get_parameter(name).shape[-1]
                state_dict[key] = widen_kernel(state_dict[key], size)

    def forward(self, x: Tensor, hw: tuple[int, int]) -> Tensor:
        """(B, N, C) -> (B, N, C); prefix tokens are not on the grid, and get zeros."""
        prefix = x.shape[1] - hw[0] * hw[1]
        grid = x[:, prefix:].transpose(1, 2).unflatten(2, hw)  # (B, C, H, W)
        grid = self.reduce(F.silu(self.norm(self.expand(grid))))
        return F.pad(grid.flatten(2).transpose(1, 2), (0, 0, prefix, 0))


def widen_kernel(weight: Tensor, size: int) -> Tensor:
    """Pads (out, in, k, k) with zeros to (out, in, size, size); larger kernels are unchanged."""
    margin = (size - weight.shape[-1]) // 2
    return F.pad(weight, [margin] * 4) if margin > 0 else weight


class ViTAELayer(TransformerLayer):
    """Attention and convolution in parallel, then the FFN.

    The attention has a norm before it. The convolution reads the input of the layer without a norm.
    """

    def __init__(self, convolution: nn.Module, *parts, **more) -> None:
        super().__init__(*parts, **more)
        self.convolution = convolution

    def forward(self, x: Tensor, hw: tuple[int, int], dataset_index: Tensor | None) -> Tensor:
        attended = self.drop_path(self.attention(self.norm1(x), hw))
        x = x + attended + self.drop_path(self.convolution(x, hw))
        return x + self.drop_path(self.ffn(self.norm2(x), dataset_index))


@MODELS.register_module()
class ViTAE(ViT):
    """The backbone of ViTPose-G (ViTPose, table 10), and the plain ViTAEs of other sizes.

    The paper states only that the backbone of ViTPose-G is a ViTAE with 1B parameters. The size of
    ``giant`` is our reading, taken from ViT-g: 40 layers, 1408 channels, 16 heads, and an FFN of
    6144 channels (``ffn=dict(type='SharedFFN', hidden_dim=6144)``). With the convolution branch and
    the positions for 576x432, this gives 1,029M parameters. The branch keeps 4 C channels. In the
    authors' code, too, FFN and branch have different widths.

    Args:
        convolution: Config of the convolution branch; the width is filled in.
        vit: The arguments of ``ViT``. As in ``ViT``, attention keys have a bias, which has no
            effect: the softmax cancels it.
    """

    def __init__(self, *vit, convolution: dict | None = None, **more) -> None:
        self.branch = convolution or dict(type='ParallelConvolution')  # super() builds the layers
        super().__init__(*vit, **more)

    def build_layer(
        self, norm: Callable[[], nn.Module], attention: nn.Module, ffn: nn.Module, drop_path: float
    ) -> ViTAELayer:
        convolution = MODELS.build(dict(self.branch, dim=self.patch_embed.out_channels))
        return ViTAELayer(convolution, norm, attention, ffn, drop_path)
