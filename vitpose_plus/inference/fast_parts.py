"""The parts of a network in the form in which they compute fast, with the same results.

Shapes: B crops, C channels, H W feature map, K keypoints, h w heatmaps.
"""

from copy import copy, deepcopy
from functools import lru_cache

import torch
from mmpose.models.heads import HeatmapHead
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_eval

from vitpose_plus.inference.compilers import Compiler
from vitpose_plus.models.ffn import ExpertLinear

FOLDED = 2  # datasets whose folded FFNs are kept; those of ViTPose-H take 0.8 GB in fp32
Features = tuple[Tensor, ...]


class FastBackbone(nn.Module):
    """A backbone whose weights and activations have one type; its feature maps are float32.

    Args:
        backbone: The backbone. It is not changed; weights are copied if their type changes.
        dtype: The type.
        compiler: Makes the function that runs a module.
    """

    def __init__(self, backbone: nn.Module, dtype: torch.dtype, compiler: Compiler) -> None:
        super().__init__()
        self.dtype, self.backbone = dtype, converted(backbone, dtype)
        self.run = compiler(self.backbone)

    def forward(self, crops: Tensor, *dataset_index: Tensor) -> Features:
        """Crops (B, 3, height, width), and numbers of datasets -> feature maps (B, C, H, W)."""
        return tuple(maps.float() for maps in self.run(crops.to(self.dtype), *dataset_index))


class FoldingBackbone(FastBackbone):
    """A backbone with experts: a batch of one dataset runs through folded FFNs.

    Its sum has another order, so results differ by roundings from those of a mixed batch.
    """

    def __init__(self, backbone: nn.Module, dtype: torch.dtype, compiler: Compiler) -> None:
        super().__init__(backbone, dtype, compiler)
        self.folded = lru_cache(FOLDED)(lambda number: compiler(folded(self.backbone, number)))

    def forward(self, crops: Tensor, dataset_index: Tensor) -> Features:
        numbers = dataset_index.unique().tolist()  # (B,) on the CPU
        if len(numbers) != 1:
            return super().forward(crops, dataset_index)
        return tuple(maps.float() for maps in self.folded(numbers[0])(crops.to(self.dtype)))


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
    """Returns a head that computes heatmaps with ``FastLayers``; other heads stay as they are."""
    if not isinstance(head, HeatmapHead):
        return head
    layers = compiler(FastLayers(head, dtype))
    return with_parts(
        head, deconv_layers=layers, conv_layers=nn.Identity(), final_layer=nn.Identity()
    )


def has_experts(backbone: nn.Module) -> bool:
    return any(isinstance(module, ExpertLinear) for module in backbone.modules())


def folded(backbone: nn.Module, number: int) -> nn.Module:
    """A backbone for one dataset; it shares all weights but those of the FFNs."""
    with torch.inference_mode(False):  # the first batch may be in this mode, and a later one not
        layers = [with_parts(layer, ffn=layer.ffn.fold(number)) for layer in backbone.layers]
    return with_parts(backbone, layers=nn.ModuleList(layers))


def with_parts(module: nn.Module, **parts: nn.Module) -> nn.Module:
    """A copy of a module that has other parts; it shares everything else with the module."""
    clone = copy(module)
    clone._modules = module._modules | parts
    return clone


def converted(module: nn.Module, dtype: torch.dtype) -> nn.Module:
    """A copy for inference whose weights have a type; weights of this type are shared.

    Batch norms stay as they are: their statistics need float32.
    """
    memo = {}
    for part in module.modules():
        is_fixed = isinstance(part, _BatchNorm)
        for tensor in (*part.parameters(recurse=False), *part.buffers(recurse=False)):
            value = tensor.detach()
            if value.is_floating_point() and not is_fixed:
                value = value.to(dtype)
            is_weight = isinstance(tensor, nn.Parameter)
            memo[id(tensor)] = nn.Parameter(value, requires_grad=False) if is_weight else value
    clone = deepcopy(module, memo)
    clone.eval()  # this returns None for mmpose's ResNet
    return clone


def fused(layers: list[nn.Module]) -> list[nn.Module]:
    """Folds each batch norm into the convolution before it; all layers are in evaluation mode."""
    done = []
    for layer in layers:
        before = done[-1] if done else None
        if isinstance(layer, _BatchNorm) and isinstance(before, nn.Conv2d | nn.ConvTranspose2d):
            is_transposed = isinstance(before, nn.ConvTranspose2d)
            done[-1] = fuse_conv_bn_eval(before, layer, transpose=is_transposed)
        else:
            done.append(layer)
    return done


def _sequence(module: nn.Module) -> list[nn.Module]:
    return list(module) if isinstance(module, nn.Sequential) else [module]
