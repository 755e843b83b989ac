"""The experts of a backbone in its weights: taken out, averaged, stacked.

All other tensors of the backbone are shared by all datasets.

Shapes: E experts. A tensor (1, ...) of one expert is a slice of a stacked tensor (E, ...).
"""

from collections.abc import Sequence
from functools import reduce

import torch
from torch import Tensor

from vitpose_plus.checkpoints.layouts.layout import State

BACKBONE = 'backbone.'


def is_expert(key: str) -> bool:
    """Whether a tensor of our layout has the weights of experts (``ExpertLinear``)."""
    return key.startswith(BACKBONE) and 'experts.' in key


def count_experts(state: State) -> int:
    """The number of experts in the FFNs of a backbone, in our layout; 0 if its FFNs are plain."""
    return next((len(value) for key, value in state.items() if is_expert(key)), 0)


def shared_weights(state: State) -> State:
    """The tensors of the backbone that all datasets share."""
    return {k: v for k, v in state.items() if k.startswith(BACKBONE) and not is_expert(k)}


def expert_weights(state: State, index: int) -> State:
    """The tensors of expert ``index``, counted from 0; each is a slice (1, ...)."""
    return {k: v[index : index + 1] for k, v in state.items() if is_expert(k)}


def mean_expert(state: State) -> State:
    """The mean of all experts; each tensor (1, ...), of the same type as theirs.

    Half precision is averaged in single precision, so that only the result is rounded.
    """
    return {k: _mean(v) for k, v in state.items() if is_expert(k)}


def _mean(experts: Tensor) -> Tensor:
    """(E, ...) -> (1, ...)"""
    exact = torch.promote_types(experts.dtype, torch.float32)
    return experts.mean(0, keepdim=True, dtype=exact).to(experts.dtype)


def stacked(experts: Sequence[State]) -> State:
    """Stacks experts (each tensor (E, ...)) in this order; nothing is rounded."""
    return {key: _stack([each[key] for each in experts]) for key in experts[0]}


def _stack(parts: list[Tensor]) -> Tensor:
    """Concatenates tensors in the first dtype that contains the values of all."""
    dtype = reduce(torch.promote_types, [part.dtype for part in parts])
    return torch.cat([part.to(dtype) for part in parts])
