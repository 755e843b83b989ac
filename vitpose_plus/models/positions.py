"""Position tables know their rectangle, so that any of them can be made to fit any other.

Shapes: H W token grid, C channels.
"""

from torch import Tensor
from torch.nn import functional as F


def resize_table(table: Tensor, hw: tuple[int, int]) -> Tensor:
    """(1, H, W, C) -> (1, *hw, C), bicubically, as the authors do when they load a checkpoint."""
    if table.shape[1:3] == tuple(hw):
        return table
    grid = F.interpolate(table.permute(0, 3, 1, 2), size=tuple(hw), mode='bicubic')
    return grid.permute(0, 2, 3, 1)
