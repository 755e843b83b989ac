"""Heads in the form in which they compute fast, with the same results.

Shapes: B crops, C channels, H W feature map, K keypoints, h w heatmaps.
"""

import torch
from mmpose.models.heads import AssociativeEmbeddingHead, HeatmapHead
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_eval

from vitpose_plus.inference.compilers import Compiler
from vitpose_plus.inference.copying import converted, with_parts

# Methods that run the deconvolutions, the convolutions and the last layer, with nothing in between.
FORWARDS = (HeatmapHead.forward, AssociativeEmbeddingHead.forward)


class FastLayers(nn.Module):
    """The layers of a heatmap head: batch norms are folded, convolutions are channels-last.

    The last convolution is float32: rounded heatmaps would move the keypoints.
    """

    def __init__(self, head: HeatmapHead, dtype: torch.dtype) -> None:
        super().__init__()
        layers = nn.Sequential(*_sequence(head.deconv_layers), *_sequence(head.conv_layers))
        exact = fused(list(converted(layers, torch.float32)))
        self.layers = converted(nn.Sequential(*exact), dtype)
        self.final = converted(head.final_layer, torch.float32)
        self.dtype = dtype
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        """Feature map (B, C, H, W) -> heatmaps (B, K, h, w), float32."""
        x = self.layers(x.to(self.dtype, memory_format=torch.channels_last))
        return self.final(x.float()).contiguous()


def fast_head(head: nn.Module, dtype: torch.dtype, compiler: Compiler) -> nn.Module:
    """Returns a head that computes heatmaps with ``FastLayers``; other heads stay as they are.

    A subclass of ``HeatmapHead`` with its own ``forward`` is another head: it may use the layers
    in another way.
    """
    if type(head).forward not in FORWARDS:
        return head
    layers = compiler(FastLayers(head, dtype))
    return with_parts(
        head, deconv_layers=layers, conv_layers=nn.Identity(), final_layer=nn.Identity()
    )


def fused(layers: list[nn.Module]) -> list[nn.Module]:
    """Folds each batch norm into the convolution before it; all layers are in evaluation mode.

    Batch norms after deconvolutions with groups stay: torch has no function for them.
    """
    done = []
    for layer in layers:
        before = done[-1] if done else None
        is_transposed = isinstance(before, nn.ConvTranspose2d) and before.groups == 1
        if isinstance(layer, _BatchNorm) and (is_transposed or isinstance(before, nn.Conv2d)):
            done[-1] = fuse_conv_bn_eval(before, layer, transpose=is_transposed)
        else:
            done.append(layer)
    return done


def _sequence(module: nn.Module) -> list[nn.Module]:
    return list(module) if isinstance(module, nn.Sequential) else [module]
