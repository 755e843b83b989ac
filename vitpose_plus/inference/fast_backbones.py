"""Backbones in the form in which they compute fast, with the same results.

Shapes: B crops, C channels, H W feature map.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map_only

from vitpose_plus.inference.compilers import Compiler
from vitpose_plus.inference.copying import converted, with_parts
from vitpose_plus.models.ffn import ExpertLinear
from vitpose_plus.models.vit import ViT

KNOWN = {'vitpose_plus', 'torch', 'mmcv', 'mmengine', 'mmpose'}
FOLDED = 2  # datasets whose folded FFNs are kept; those of ViTPose-H take 0.8 GB each in fp32


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
    """A backbone that is not a ``ViT`` of known parts: torch chooses the type of each operation.

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
    if dtype is not torch.float32 and not _is_known(backbone):
        return AutocastBackbone(backbone, dtype, compiler)
    has_experts = any(isinstance(module, ExpertLinear) for module in backbone.modules())
    kind = FoldingBackbone if has_experts and isinstance(backbone, ViT) else FastBackbone
    return kind(backbone, dtype, compiler)


def _is_known(backbone: nn.Module) -> bool:
    """Whether it is a ``ViT`` without a class of somebody else, such as their own attention."""
    packages = {type(module).__module__.split('.')[0] for module in backbone.modules()}
    return isinstance(backbone, ViT) and packages <= KNOWN


def in_float32(features: Any) -> Any:
    """The same tuple, list or tensor, with float32 tensors."""
    return tree_map_only(Tensor, Tensor.float, features)


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
