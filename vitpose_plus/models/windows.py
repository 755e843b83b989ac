"""Cuts a token grid into windows and joins them again, all windows at once.

The grid need not be a multiple of the window: it is padded, and a mask hides the padding. Shifted
windows start ``shift_hw`` further down and right. The tokens above and left of the first window
share windows with tokens of the opposite edges, as in Swin; the mask separates them.

Shapes: B batch, H W token grid, C channels, L windows, S = h w tokens of a window.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

HW = tuple[int, int]


def cut(grid: Tensor, window_hw: HW, shift_hw: HW = (0, 0)) -> Tensor:
    """(B, H, W, C) -> (B, L, S, C), row by row; the padding is zero."""
    h, w = window_hw
    grid = F.pad(grid, (0, 0, 0, -grid.shape[2] % w, 0, -grid.shape[1] % h))
    if any(shift_hw):
        grid = grid.roll((-shift_hw[0], -shift_hw[1]), (1, 2))
    windows = grid.unflatten(2, (-1, w)).unflatten(1, (-1, h))  # (B, H / h, h, W / w, w, C)
    return windows.transpose(2, 3).flatten(3, 4).flatten(1, 2)


def join(windows: Tensor, hw: HW, window_hw: HW, shift_hw: HW = (0, 0)) -> Tensor:
    """The opposite of ``cut``: (B, L, S, C) -> (B, H, W, C)."""
    (height, width), (h, w) = hw, window_hw
    grid = windows.unflatten(2, window_hw).unflatten(1, (-(-height // h), -(-width // w)))
    grid = grid.transpose(2, 3).flatten(3, 4).flatten(1, 2)
    if any(shift_hw):
        grid = grid.roll(shift_hw, (1, 2))
    return grid[:, :height, :width]


def visible(hw: HW, window_hw: HW, shift_hw: HW, device: torch.device) -> Tensor | None:
    """(L, S, S): whether a token may attend to another of its window; None if all may."""
    whole = all(side % step == 0 for side, step in zip(hw, window_hw, strict=True))
    if whole and not any(shift_hw):
        return None
    # A token may attend only to its own part of the grid. The first row and the first column of the
    # first shifted window divide the grid into four parts. The padding is part 0.
    below, right = (
        1 + (torch.arange(side, device=device) >= shift).long()
        for side, shift in zip(hw, shift_hw, strict=True)
    )
    part = (2 * below[:, None] + right)[None, :, :, None]
    part = cut(part, window_hw, shift_hw)[0, :, :, 0]  # (L, S)
    return part[:, :, None] == part[:, None]


def means(grid: Tensor, window_hw: HW) -> Tensor:
    """(B, H, W, C) -> (B, L, C): the mean of each window, without the padding."""
    pooled = F.avg_pool2d(
        grid.permute(0, 3, 1, 2), tuple(window_hw), ceil_mode=True, count_include_pad=False
    )
    return pooled.flatten(2).transpose(1, 2)
