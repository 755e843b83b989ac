"""The kinds of attention.

Each kind is built with ``dim``, ``num_heads`` and ``grid_hw``, and has ``forward(x, hw) -> x``.

Shapes: B batch, H W token grid, P prefix tokens, N = P + H * W tokens, C channels, M heads,
D = C / M channels of a head, L windows, S tokens of a window.
"""

from mmpose.registry import MODELS
from torch import Tensor, cat, nn
from torch.nn import functional as F

from vitpose_plus.errors import UserError
from vitpose_plus.models import dot_products, windows

RELATIVE = dict(type='RelativePosition')


@MODELS.register_module()
class FullAttention(nn.Module):
    """Multi-head self-attention among all tokens (ViTPose, section 3.1).

    Args:
        dim: Channels C of a token.
        num_heads: M, a divisor of ``dim``.
        grid_hw: The token grid of the model's input.
        rel_pos: Config of a relative position, such as ``dict(type='RelativePosition')``. By
            default there is none, as in every released model.

    Attributes:
        needs_grid: Whether it needs the full token grid, without prefix tokens.
    """

    needs_grid = False

    def __init__(
        self, dim: int, num_heads: int, grid_hw: tuple[int, int], rel_pos: dict | None = None
    ) -> None:
        super().__init__()
        if dim % num_heads:
            raise UserError(f'dim={dim} must be a multiple of num_heads={num_heads}.')
        self.num_heads = num_heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        if rel_pos is not None:
            rel_pos = MODELS.build(dict(rel_pos, grid_hw=grid_hw, dim=dim // num_heads))
        self.rel_pos = rel_pos

    def forward(self, x: Tensor, hw: tuple[int, int]) -> Tensor:
        """(B, N, C) -> (B, N, C); ``hw`` is the token grid."""
        q, k, v = self.heads(self.qkv(x))
        if self.rel_pos is not None:
            q, k = self.rel_pos(q, k, hw)
        return self.proj(self.attend(q, k, v))

    def heads(self, qkv: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, N, 3 C) -> queries, keys and values, (B, M, N, D) each."""
        return qkv.unflatten(-1, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4).unbind()

    def attend(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> Tensor:
        """Queries (B, M, N, D'), keys (B, M, keys, D'), values (B, M, keys, D) -> (B, N, C).

        D' is larger than D if relative positions have added channels.
        """
        x = dot_products.attend(q, k, v, mask, scale=v.shape[-1] ** -0.5)
        return x.transpose(1, 2).flatten(2)


@MODELS.register_module()
class WindowAttention(FullAttention):
    """Self-attention among the tokens of each window (ViTPose, section 3.3).

    It has relative positions by default.

    Args:
        window_hw: Height and width of a window, in tokens; it need not divide the grid.
    """

    needs_grid = True

    def __init__(
        self,
        dim: int,
        num_heads: int,
        grid_hw: tuple[int, int],
        window_hw: tuple[int, int] = (8, 8),
        rel_pos: dict | None = RELATIVE,
    ) -> None:
        super().__init__(dim, num_heads, window_hw, rel_pos)
        self.window_hw = tuple(window_hw)

    def forward(self, x: Tensor, hw: tuple[int, int]) -> Tensor:
        """(B, H * W, C) -> the same shape; prefix tokens are not supported."""
        if x.shape[1] != hw[0] * hw[1]:
            raise UserError(
                f'{type(self).__name__} got {x.shape[1]} tokens for a grid of {hw[0]}x{hw[1]}: '
                'prefix tokens and left-out patches need FullAttention.'
            )
        shift_hw = self.shift_hw(hw)
        qkv = self.qkv(x).unflatten(1, hw)  # (B, H, W, 3 C)
        parts = windows.cut(qkv, self.window_hw, shift_hw)  # (B, L, S, 3 C)
        mask = windows.visible(hw, self.window_hw, shift_hw, x.device)
        if mask is not None:
            mask = mask.repeat(x.shape[0], 1, 1)[:, None]  # (B L, 1, S, S)
        q, k, v = self.heads(parts.flatten(0, 1))  # (B L, M, S, D)
        if self.rel_pos is not None:
            q, k = self.rel_pos(q, k, self.window_hw)
        k, v, mask = self.with_context(k, v, mask, qkv)
        x = self.attend(q, k, v, mask).unflatten(0, (x.shape[0], -1))  # (B, L, S, C)
        return self.proj(windows.join(x, hw, self.window_hw, shift_hw).flatten(1, 2))

    def shift_hw(self, hw: tuple[int, int]) -> tuple[int, int]:
        """By how many rows and columns the windows are shifted on a grid of ``hw`` tokens."""
        return (0, 0)

    def with_context(
        self, k: Tensor, v: Tensor, mask: Tensor | None, qkv: Tensor
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Adds keys and values from outside the window, if a subclass has any.

        Keys and values are (B L, M, S, D).
        """
        return k, v, mask


@MODELS.register_module()
class ShiftedWindowAttention(WindowAttention):
    """Self-attention in windows that are shifted by half their size, as in Swin.

    Use it in alternation with unshifted windows. The paper does not state the size of the shift,
    nor what happens at the edges of the grid. Both are as in Swin: half a window, and no attention
    between opposite edges. If one window covers an axis, this axis is not shifted.
    """

    def shift_hw(self, hw: tuple[int, int]) -> tuple[int, int]:
        return tuple(w // 2 if side > w else 0 for side, w in zip(hw, self.window_hw, strict=True))


@MODELS.register_module()
class PoolingWindowAttention(WindowAttention):
    """The tokens of a window also attend to the mean of every window (ViTPose, section 3.3).

    The mean, instead of the maximum, is our reading. The projection is linear, so the mean of the
    keys is the key of the mean token, and needs no projection of its own. The means have no
    relative position. Also with shifted windows, the means are those of the unshifted windows.
    """

    def with_context(
        self, k: Tensor, v: Tensor, mask: Tensor | None, qkv: Tensor
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        _, mean_k, mean_v = self.heads(windows.means(qkv, self.window_hw))  # (B, M, L, D)
        num_windows = mean_k.shape[2]
        mean_k = F.pad(mean_k, (0, k.shape[-1] - mean_k.shape[-1]))
        k, v = (
            cat([each, mean.repeat_interleave(num_windows, dim=0)], dim=2)
            for each, mean in ((k, mean_k), (v, mean_v))
        )
        if mask is not None:
            mask = F.pad(mask, (0, mean_k.shape[2]), value=True)
        return k, v, mask


@MODELS.register_module()
class ShiftedPoolingWindowAttention(PoolingWindowAttention, ShiftedWindowAttention):
    """Windows shifted by half their size; their tokens also attend to the mean of every window."""
