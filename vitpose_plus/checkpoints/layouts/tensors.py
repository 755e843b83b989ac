"""Functions that change tensors for the layouts: position tables, experts, patch embeddings.

Shapes: H W token grid, N = H * W rows, C channels, E experts, P channels of an expert, F hidden
width.
"""

import math
import re

import torch
from torch import Tensor
from torch.nn import functional as F

from vitpose_plus.checkpoints.layouts.layout import State
from vitpose_plus.errors import UserError

TABLE = 'backbone.pos_embed'
EXPERT = re.compile(r'(.+\.ffn\.experts)\.(\d+)\.(weight|bias)')
STACKED = re.compile(r'(.+\.ffn\.experts)\.(weight|bias)')


def to_rectangle(rows: Tensor, grid_hw: tuple[int, int] | None) -> Tensor:
    """(1, N, C) -> (1, H, W, C).

    Without ``grid_hw``, or if its size differs, the grid is square as in MAE, or 4:3 as in every
    released ViTPose. No number of rows fits both.
    """
    count = rows.shape[1]
    if grid_hw is None or math.prod(grid_hw) != count:
        side, unit = math.isqrt(count), math.isqrt(count // 12)
        if side * side == count:
            grid_hw = (side, side)
        elif 12 * unit * unit == count:
            grid_hw = (4 * unit, 3 * unit)
        else:
            raise UserError(
                f'{count} positions are neither a square nor 4:3: name the config of this '
                'model with --config.'
            )
    return rows.unflatten(1, tuple(grid_hw))


def fold_extra_row(state: State, grid_hw: tuple[int, int] | None) -> None:
    """Adds the first row (of the former class token) to all others, as the authors' model does.

    The sum is in float32, also for a file in half precision, so that the function is the same.
    """
    table = state[TABLE].float()
    state[TABLE] = to_rectangle(table[:, 1:] + table[:, :1], grid_hw)


def with_extra_row(state: State) -> None:
    """Adds an extra row of zeros, which does not change the function."""
    rows = state[TABLE].flatten(1, 2)
    state[TABLE] = torch.cat([torch.zeros_like(rows[:, :1]), rows], dim=1)


def stack_experts(state: State) -> State:
    """``experts.{e}.weight`` (P, F) of every e -> ``experts.weight`` (E, P, F); biases, too."""
    stacked, groups = {}, {}
    for key, value in state.items():
        if match := EXPERT.fullmatch(key):
            name = f'{match[1]}.{match[3]}'
            groups.setdefault(name, {})[int(match[2])] = value
            stacked[name] = None  # keeps the order
        else:
            stacked[key] = value
    for name, experts in groups.items():
        if sorted(experts) != list(range(len(experts))):
            raise UserError(f'{name} has the experts {sorted(experts)}: some are missing.')
        stacked[name] = torch.stack([experts[i] for i in range(len(experts))])
    return stacked


def unstack_experts(state: State) -> State:
    """The opposite of ``stack_experts``."""
    unstacked = {}
    for key, value in state.items():
        if match := STACKED.fullmatch(key):
            unstacked |= {f'{match[1]}.{i}.{match[2]}': part for i, part in enumerate(value)}
        else:
            unstacked[key] = value
    return unstacked


def pad_patches(weight: Tensor, size: int) -> Tensor:
    """Pads a smaller kernel with zeros: 14x14 of MAE's huge model becomes 16x16."""
    if weight.shape[-1] not in (size - 2, size):
        raise UserError(
            f'Its patches are {weight.shape[-2]}x{weight.shape[-1]}: a ViTPose starts from '
            f'{size - 2}x{size - 2} or {size}x{size}.'
        )
    before = (size - weight.shape[-1]) // 2
    after = size - weight.shape[-1] - before
    return F.pad(weight, (before, after, before, after))
