"""Position tables, which keep their height and width, so that they can be resized to any grid.

Shapes: B batch, H W token grid, P prefix tokens, N = P + H * W tokens, M heads, C channels,
D = C / M channels of a head.
"""

import torch
from mmpose.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional as F

AXES = ('h', 'w')


def resize_table(table: Tensor, hw: tuple[int, int]) -> Tensor:
    """(1, H, W, C) -> (1, *hw, C), bicubically, as the authors do when they load a checkpoint."""
    if table.shape[1:3] == tuple(hw):
        return table
    grid = F.interpolate(table.permute(0, 3, 1, 2), size=tuple(hw), mode='bicubic')
    return grid.permute(0, 2, 3, 1)


def resize_distances(table: Tensor, side: int) -> Tensor:
    """(2 * other - 1, D) -> (2 * side - 1, D), linear: distances scale with the side (ViTDet)."""
    if table.shape[0] == 2 * side - 1:
        return table
    return F.interpolate(table.T[None], size=2 * side - 1, mode='linear')[0].T


def sine_table(hw: tuple[int, int], dim: int, device: torch.device | str = 'cpu') -> Tensor:
    """(H * W, dim): the first half has sines and cosines of the row, the second of the column."""
    rates = 10_000 ** -torch.linspace(0, 1, dim // 4 + 1, device=device)[:-1]
    angles = [torch.outer(torch.arange(side, device=device), rates) for side in hw]
    row, column = (torch.cat([each.sin(), each.cos()], dim=1) for each in angles)
    return torch.cat([row.repeat_interleave(hw[1], 0), column.repeat(hw[0], 1)], dim=1)


@MODELS.register_module()
class RelativePosition(nn.Module):
    """Adds q R_h[dy] + q R_w[dx] to each product q k: one table per axis (MViTv2, ViTDet).

    ViTPose cites both papers for its windows (section 3.3), but does not state which products are
    scaled: here all products are, as in the authors' ViTDet. The tables start at zero.

    The sum is computed as one product of longer vectors. Queries get H + W further channels: q R_h
    for every row, q R_w for every column. Keys get as many: one-hot codes of their row and column.
    So no (N, N) table is needed, and every attention kernel can be used.

    Args:
        grid_hw: Rows and columns of the tokens that attend to each other. For other grids, and for
            tables of another size in a checkpoint, tables are resized linearly.
        dim: Channels D of a head.
    """

    def __init__(self, grid_hw: tuple[int, int], dim: int) -> None:
        super().__init__()
        # A parameter with `pos_embed` in its name has no weight decay.
        self.pos_embed_h, self.pos_embed_w = (
            nn.Parameter(torch.zeros(2 * side - 1, dim)) for side in grid_hw
        )
        self._register_load_state_dict_pre_hook(self._resize)

    def _resize(self, state_dict: dict, prefix: str, *args) -> None:
        for axis in AXES:
            if (key := f'{prefix}pos_embed_{axis}') in state_dict:
                side = (len(getattr(self, f'pos_embed_{axis}')) + 1) // 2
                state_dict[key] = resize_distances(state_dict[key], side)

    def forward(self, q: Tensor, k: Tensor, hw: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """Queries and keys (B, M, N, D) -> (B, M, N, D + H + W); prefix tokens get zeros."""
        h, w = hw
        places = q[:, :, -h * w :].unflatten(2, hw)  # (B, M, H, W, D)
        rows = torch.einsum('bmhwd,hkd->bmhwk', places, self._table('h', h).to(q))
        columns = torch.einsum('bmhwd,wkd->bmhwk', places, self._table('w', w).to(q))
        of_queries = torch.cat([rows, columns], dim=-1).flatten(2, 3)  # (B, M, H W, H + W)
        row, column = (torch.eye(side, dtype=q.dtype, device=q.device) for side in hw)
        of_keys = torch.cat([row.repeat_interleave(w, 0), column.repeat(h, 1)], dim=1)
        prefix = (0, 0, q.shape[2] - h * w, 0)
        of_keys = F.pad(of_keys, prefix).expand(*k.shape[:2], -1, -1)
        return torch.cat([q, F.pad(of_queries, prefix)], -1), torch.cat([k, of_keys], -1)

    def _table(self, axis: str, side: int) -> Tensor:
        """(side, side, D): the entry for every pair of a query's and a key's row (or column)."""
        table = resize_distances(getattr(self, f'pos_embed_{axis}'), side)
        steps = torch.arange(side, device=table.device)
        return table[steps[:, None] - steps + side - 1]
