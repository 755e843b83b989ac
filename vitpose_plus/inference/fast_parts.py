"""The parts of a network in the form in which they compute fast, with the same results.

Shapes: B crops, C channels, H W feature map, K keypoints, h w heatmaps.
"""

from collections import OrderedDict
from collections.abc import Callable
from copy import copy, deepcopy
from typing import Any

import torch
from mmpose.models.heads import AssociativeEmbeddingHead, HeatmapHead
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.utils._pytree import tree_map_only

from vitpose_plus.inference.compilers import Compiler
from vitpose_plus.models.ffn import ExpertLinear
from vitpose_plus.models.vit import ViT

FOLDED = 2  # datasets whose folded FFNs are kept; those of ViTPose-H take 0.8 GB each in fp32
# Methods that run the deconvolutions, the convolutions and the last layer, with nothing in between.
FORWARDS = (HeatmapHead.forward, AssociativeEmbeddingHead.forward)


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

    def forward(self, crops: Tensor, *dataset_index: Tensor) -> Any:
        """Crops (B, 3, height, width), and numbers of datasets -> feature maps (B, C, H, W)."""
        return in_float32(self.run(crops.to(self.dtype), *dataset_index))


class FoldingBackbone(FastBackbone):
    """A backbone with experts: a batch of one dataset runs through folded FFNs.

    Its sum has another order, so results differ by roundings from those of a mixed batch.
    """

    def __init__(self, backbone: nn.Module, dtype: torch.dtype, compiler: Compiler) -> None:
        super().__init__(backbone, dtype, compiler)
        self.compiler = compiler
        self.folded: dict[int, Callable[..., Any]] = {}  # the last used one is the last

    def forward(self, crops: Tensor, dataset_index: Tensor) -> Any:
        numbers = dataset_index.unique().tolist()  # (B,) on the CPU
        if len(numbers) != 1:
            return super().forward(crops, dataset_index)
        return in_float32(self._folded(numbers[0])(crops.to(self.dtype)))

    def _folded(self, number: int) -> Callable[..., Any]:
        run = self.folded.pop(number, None)
        if run is None:
            for oldest in list(self.folded)[: len(self.folded) - FOLDED + 1]:
                del self.folded[oldest]
            run = self.compiler(folded(self.backbone, number))
        self.folded[number] = run
        return run

    def _apply(self, *args, **kwargs) -> nn.Module:
        self.folded.clear()  # these are copies, which would stay on the device before
        return super()._apply(*args, **kwargs)


class AutocastBackbone(FastBackbone):
    """A backbone that is not a ``ViT``: torch chooses the type of each operation.

    Such a backbone may combine its activations with float32 tensors of its own, which fails if all
    its weights have another type.
    """

    def __init__(self, backbone: nn.Module, dtype: torch.dtype, compiler: Compiler) -> None:
        super().__init__(backbone, torch.float32, compiler)
        self.autocast = dtype

    def forward(self, crops: Tensor, *dataset_index: Tensor) -> Any:
        with torch.autocast(crops.device.type, self.autocast):
            return super().forward(crops, *dataset_index)


def fast_backbone(backbone: nn.Module, dtype: torch.dtype, compiler: Compiler) -> FastBackbone:
    """Returns a backbone that computes in a type, as fast as its class allows."""
    kind = FastBackbone
    if not isinstance(backbone, ViT):
        kind = FastBackbone if dtype is torch.float32 else AutocastBackbone
    elif any(isinstance(module, ExpertLinear) for module in backbone.modules()):
        kind = FoldingBackbone
    return kind(backbone, dtype, compiler)


def in_float32(features: Any) -> Any:
    """The same tuple, list or tensor, with float32 tensors."""
    return tree_map_only(Tensor, Tensor.float, features)


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


def folded(backbone: nn.Module, number: int) -> nn.Module:
    """A backbone for one dataset; it shares all weights that have the same values."""
    with torch.inference_mode(False):  # the first batch may be in this mode, and a later one not
        layers = [
            with_parts(layer, ffn=_sharing(layer.ffn.fold(number), layer.ffn))
            for layer in backbone.layers
        ]
    return with_parts(backbone, layers=nn.ModuleList(layers))


def _sharing(ffn: nn.Module, other: nn.Module) -> nn.Module:
    """An FFN that uses those layers of another one which have the same names and values."""
    theirs = dict(other.named_children())
    pairs = ((name, own, theirs.get(name)) for name, own in ffn.named_children())
    return with_parts(ffn, **{name: their for name, own, their in pairs if _are_equal(own, their)})


def _are_equal(one: nn.Module, other: nn.Module | None) -> bool:
    if type(one) is not type(other):
        return False
    own, theirs = one.state_dict(), other.state_dict()
    return own.keys() == theirs.keys() and all(torch.equal(own[key], theirs[key]) for key in own)


def with_parts(module: nn.Module, **parts: nn.Module) -> nn.Module:
    """A copy of a module that has other parts. It shares its tensors and settings with the module.

    Its hooks are its own. Hooks that load a state dict are left out: they are often methods of the
    module, which would then stay in memory with all its parts.
    """
    clone = copy(module)
    clone._modules = module._modules | parts
    for name, value in vars(module).items():
        if isinstance(value, OrderedDict):
            setattr(clone, name, value.copy())
    clone._load_state_dict_pre_hooks.clear()
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
