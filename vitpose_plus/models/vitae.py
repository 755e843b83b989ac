"""ViTAE: a plain vision transformer with convolutions beside its attention (ViTPose-G).

Shapes: B batch, H W token grid, P prefix tokens, N = P + H * W tokens, C channels, k kernel size.
"""

from collections.abc import Callable

from mmpose.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional as F

from vitpose_plus.errors import UserError
from vitpose_plus.models.vit import TransformerLayer, ViT

GROUP = 4  # channels of a group, at every published width
KERNELS = ('expand.weight', 'reduce.weight')


@MODELS.register_module()
class ParallelConvolution(nn.Module):
    """ViTAE's convolution branch (PCM) in the shallow form of its plain backbones.

    Grouped convolution C -> 4 C, batch norm, SiLU, grouped convolution 4 C -> C. Statistics are a
    device's own, as those of the decoders: it sees H * W places of every image.

    Args:
        dim: Channels C of a token.
        kernel_size: k, odd. MAE pre-trains with 1, because neighbours are masked; what was trained
            with fewer is loaded into the middle of zeros, which is the same function.
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
        """Before loading: the checkpoint's kernels in the model's size."""
        for name in KERNELS:
            if (key := f'{prefix}{name}') in state_dict:
                size = self.get_parameter(name).shape[-1]
                state_dict[key] = widen_kernel(state_dict[key], size)

    def forward(self, x: Tensor, hw: tuple[int, int]) -> Tensor:
        """(B, N, C) -> (B, N, C); prefix tokens have no place, and get zeros."""
        prefix = x.shape[1] - hw[0] * hw[1]
        grid = x[:, prefix:].transpose(1, 2).unflatten(2, hw)  # (B, C, H, W)
        grid = self.reduce(F.silu(self.norm(self.expand(grid))))
        return F.pad(grid.flatten(2).transpose(1, 2), (0, 0, prefix, 0))


def widen_kernel(weight: Tensor, size: int) -> Tensor:
    """(out, in, k, k) -> (out, in, size, size) with zeros around; one that is larger is left."""
    margin = (size - weight.shape[-1]) // 2
    return F.pad(weight, [margin] * 4) if margin > 0 else weight


class ViTAELayer(TransformerLayer):
    """Attention and convolution side by side, then the FFN.

    The convolution reads the layer's input as it is, without the norm that is attention's.
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
    """The backbone of ViTPose-G (ViTPose, table 10), and ViTAE's plain ones of the other sizes.

    The paper tells of ViTPose-G's backbone only that it is a ViTAE of 1B parameters. Depth, width
    and heads of ``giant`` are our reading: ViT-g's 40 layers of 1408 channels in 16 heads, with its
    FFN of 6144, ``ffn=dict(type='SharedFFN', hidden_dim=6144)``; with the branch and the positions
    of 576x432 that is 1,029M. (The authors' code, too, has FFNs of another width than the branch,
    which stays 4 C.)

    Args:
        convolution: Config of the convolution branch; the width is filled in.
        vit: As of ``ViT``. Keys have a bias here, as there, which no softmax sees.
    """

    def __init__(self, *vit, convolution: dict | None = None, **more) -> None:
        self.branch = convolution or dict(type='ParallelConvolution')  # before layers are built
        super().__init__(*vit, **more)

    def build_layer(
        self, norm: Callable[[], nn.Module], attention: nn.Module, ffn: nn.Module, drop_path: float
    ) -> ViTAELayer:
        convolution = MODELS.build(dict(self.branch, dim=self.patch_embed.out_channels))
        return ViTAELayer(convolution, norm, attention, ffn, drop_path)
