"""Copies of modules that share weights with them."""

from collections import OrderedDict
from copy import copy, deepcopy

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


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
