"""The plain vision transformer of ViTPose and ViTPose+.

Shapes: B batch, H W token grid, N = H * W tokens, P prefix tokens, C channels.
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import cycle

import torch
from mmcv.cnn.bricks import DropPath
from mmengine.model import BaseModule
from mmpose.registry import MODELS
from torch import Tensor, nn

from vitpose_plus.errors import UserError
from vitpose_plus.models.archs import find_arch
from vitpose_plus.models.positions import resize_table, sine_table


class TransformerLayer(nn.Module):
    """A pre-norm layer; its attention and its FFN are built elsewhere and passed to it."""

    def __init__(
        self, norm: Callable[[], nn.Module], attention: nn.Module, ffn: nn.Module, drop_path: float
    ) -> None:
        super().__init__()
        self.norm1 = norm()
        self.attention = attention
        self.norm2 = norm()
        self.ffn = ffn
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor, hw: tuple[int, int], dataset_index: Tensor | None) -> Tensor:
        x = x + self.drop_path(self.attention(self.norm1(x), hw))
        return x + self.drop_path(self.ffn(self.norm2(x), dataset_index))


@MODELS.register_module()
class ViT(BaseModule):
    """The plain vision transformer of ViTPose (section 3.1).

    It projects patches, adds positions, and runs all layers and a final norm. The result is one
    feature map.

    Args:
        arch: A name in ``archs.ARCHS``, or a dict with ``depth``, ``dim`` and ``num_heads``.
        input_hw: Height and width of the input, in pixels. They set the size of the position table.
            The table is resized bicubically for other inputs, and for checkpoints of another size.
        patch: ``kernel_size``, ``stride`` and ``padding`` of the projection, in pixels. With the
            authors' padding of 2, an input of 256x192 gives 16x12 tokens.
        attention: Config of the attention; width, heads and token grid are filled in. A list is
            repeated over the layers: ``[window, window, full]`` gives every third layer ``full``.
        ffn: Config of the FFN; the width is filled in.
        drop_path_rate: Rate in the last layer; it grows linearly from 0 in the first layer.
        norm_eps: Epsilon of the layer norms. Models of Hugging Face use 1e-12.
        frozen: Parts of parameter names, such as ``attention``. Parameters with such a part are not
            trained, and their modules stay in evaluation mode (partial fine-tuning, section 4.3).
            A name that the backbone itself has, such as ``norm``, freezes nothing in the layers.
        num_prefix_tokens: P, the number of learnt tokens before the patch tokens. They have no
            position. An example is the knowledge token (section 3.4).
    """

    def __init__(
        self,
        arch: str | dict = 'base',
        input_hw: tuple[int, int] = (256, 192),
        patch: dict | None = None,
        attention: dict | Sequence[dict] | None = None,
        ffn: dict | None = None,
        drop_path_rate: float = 0.0,
        norm_eps: float = 1e-6,
        frozen: Sequence[str] = (),
        num_prefix_tokens: int = 0,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        depth, dim, num_heads = find_arch(arch)
        attention = attention or dict(type='FullAttention')
        kinds = [attention] if isinstance(attention, dict) else attention
        ffn = dict(ffn or dict(type='SharedFFN'), dim=dim)
        norm = partial(nn.LayerNorm, dim, eps=norm_eps)
        self.patch_embed = nn.Conv2d(
            3, dim, **(patch or dict(kernel_size=16, stride=16, padding=2))
        )
        grid_hw = self.grid_hw(input_hw)
        self.pos_embed = nn.Parameter(torch.empty(1, *grid_hw, dim))
        prefix = nn.Parameter(torch.empty(1, num_prefix_tokens, dim))
        self.prefix_tokens = prefix if num_prefix_tokens else None
        sizes = dict(dim=dim, num_heads=num_heads, grid_hw=grid_hw)
        rates = torch.linspace(0, drop_path_rate, depth, device='cpu').tolist()
        self.layers = nn.ModuleList(
            self.build_layer(norm, MODELS.build(dict(kind, **sizes)), MODELS.build(ffn), rate)
            for kind, rate in zip(cycle(kinds), rates, strict=False)
        )
        self.norm = norm()
        self.reset_parameters()
        self._register_load_state_dict_pre_hook(self._resize_positions)
        self.frozen = set(frozen)
        self._freeze()

    def build_layer(
        self, norm: Callable[[], nn.Module], attention: nn.Module, ffn: nn.Module, drop_path: float
    ) -> TransformerLayer:
        """Builds a layer from its parts; a backbone with another kind of layer overrides this."""
        return TransformerLayer(norm, attention, ffn, drop_path)

    def _freeze(self) -> None:
        """Turns off the gradients of frozen parameters.

        This runs in the constructor, so that neither the optimiser nor DDP gets them.
        """
        found = set()
        for name, parameter in self.named_parameters():
            if parts := self._frozen_parts(name):
                parameter.requires_grad_(False)
                found |= parts
        if self.frozen - found:
            raise UserError(
                f'frozen has {", ".join(sorted(self.frozen - found))}, which is in no name of a '
                "parameter: use attention, ffn, norm1, norm2, patch_embed, pos_embed or a layer's "
                'number.'
            )

    def _frozen_parts(self, name: str) -> set[str]:
        """The parts in ``frozen`` that freeze the parameter or module of this name."""
        first, *others = name.split('.')
        own = {each for each, _ in (*self.named_children(), *self.named_parameters(recurse=False))}
        return self.frozen & ({first} | set(others) - own)

    def train(self, mode: bool = True) -> 'ViT':
        super().train(mode)
        for name, module in self.named_modules():
            if self._frozen_parts(name):
                module.eval()
        return self

    def grid_hw(self, input_hw: tuple[int, int]) -> tuple[int, int]:
        """Pixels -> token grid; ``UserError`` if a side is not a multiple of the patch's stride."""
        conv = self.patch_embed
        if any(side % step for side, step in zip(input_hw, conv.stride, strict=True)):
            raise UserError(
                f'An input of {tuple(input_hw)} pixels (height, width) is no whole number of '
                f'patches of {conv.stride}: make input_hw a multiple of the patch.'
            )
        size = zip(input_hw, conv.padding, conv.kernel_size, conv.stride, strict=True)
        return tuple((side + 2 * p - k) // s + 1 for side, p, k, s in size)

    def _resize_positions(self, state_dict: dict, prefix: str, *args) -> None:
        """Resizes the checkpoint's position table to the model's size, before loading."""
        key = f'{prefix}pos_embed'
        if key in state_dict and state_dict[key].ndim == 4:
            state_dict[key] = resize_table(state_dict[key], self.pos_embed.shape[1:3])

    def reset_parameters(self) -> None:
        """The authors' initialisation: truncated normal 0.02, zero biases, torch's for patches."""
        nn.init.trunc_normal_(self.pos_embed, std=0.02)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)
        if self.prefix_tokens is not None:
            nn.init.trunc_normal_(self.prefix_tokens, std=0.02)

    def forward(self, x: Tensor, dataset_index: Tensor | None = None) -> tuple[Tensor]:
        """(B, 3, height, width) -> a tuple of one feature map (B, C, H, W)."""
        grid = self.embed(x)
        hw = grid.shape[1:3]
        x = self.encode(grid.flatten(1, 2), hw, dataset_index)
        return (x.transpose(1, 2).unflatten(2, hw).contiguous(),)

    def embed(self, x: Tensor) -> Tensor:
        """(B, 3, height, width) -> tokens with their positions, (B, H, W, C)."""
        hw = self.grid_hw(x.shape[-2:])
        grid = self.patch_embed(x).permute(0, 2, 3, 1)
        # All layers keep this order in memory; norms and sums are slower in another one.
        return (grid + resize_table(self.pos_embed, hw)).contiguous()

    def encode(self, x: Tensor, hw: tuple[int, int], dataset_index: Tensor | None = None) -> Tensor:
        """Runs all layers and the final norm on tokens (B, N, C) of a grid ``hw``. Prefix tokens
        are added before the first layer, and removed from the result."""
        num_tokens, prefix = x.shape[1], self.prefix_tokens
        if prefix is not None:
            x = torch.cat([prefix.expand(x.shape[0], -1, -1), x], dim=1)
        for layer in self.layers:
            x = layer(x, hw, dataset_index)
        return self.norm(x)[:, -num_tokens:]


@MODELS.register_module()
class SinePositionViT(ViT):
    """A ViT whose position table starts with sines, as in MAE: near positions are similar.

    It is for models without pre-training: in a random table, near positions differ as much as
    distant ones, and it takes long to learn which are near. Tags of bottom-up models depend on it.
    """

    def reset_parameters(self) -> None:
        super().reset_parameters()
        table = sine_table(self.pos_embed.shape[1:3], self.pos_embed.shape[3])
        with torch.no_grad():
            self.pos_embed.copy_(table.view(self.pos_embed.shape))
