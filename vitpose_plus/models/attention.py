"""Attention kinds: ``forward(x, hw) -> x``, built with ``dim``, ``num_heads`` and ``grid_hw``.

Shapes: B batch, H W token grid, P prefix tokens, N = P + H * W tokens, C channels, M heads,
D = C / M channels of a head, L windows, S tokens of a window.
"""

from mmpose.registry import MODELS
from torch import Tensor, cat, nn
from torch.nn import functional as F

from vitpose_plus.errors import UserError
from vitpose_plus.models import windows

RELATIVE = dict(type='RelativePosition')


@MODELS.register_module()
class FullAttention(nn.Module):
    """Multi-head self-attention among all tokens (ViTPose, section 3.1).

    Args:
        dim: Channels C of a token.
        num_heads: M, a divisor of ``dim``.
        grid_hw: The token grid of the model's input.
        rel_pos: Config of a relative position, such as ``dict(type='RelativePosition')``; none by
            default, as in every released model.

    Attributes:
        needs_grid: Needs the full token grid, without prefix tokens.
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
        """(B, M, N, D or more), (B, M, keys, the same), (B, M, keys, D) -> (B, N, C).

        Fast kernels want values as wide as the queries, whatever relative positions added to them.
        """
        dim = v.shape[-1]
        if wider := q.shape[-1] - dim:
            v = F.pad(v, (0, wider))
        x = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=dim**-0.5)
        return x[..., :dim].transpose(1, 2).flatten(2)


@MODELS.register_module()
class WindowAttention(FullAttention):
    """Among the tokens of a window (ViTPose, section 3.3), with relative positions by default.

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
        """(B, H * W, C) -> the same; there are no windows with prefix tokens."""
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
        """Rows and columns by which the windows are shifted on a grid."""
        return (0, 0)

    def with_context(
        self, k: Tensor, v: Tensor, mask: Tensor | None, qkv: Tensor
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Keys, values (B L, M, S, D) and mask, with whatever else a window may see."""
        return k, v, mask


@MODELS.register_module()
class ShiftedWindowAttention(WindowAttention):
    """Windows shifted by half their size, as Swin's; to be alternated with others.

    How far, and that edges do not wrap around, the paper leaves open: both are Swin's. Where one
    window spans an axis there is nothing to shift.
    """

    def shift_hw(self, hw: tuple[int, int]) -> tuple[int, int]:
        return tuple(w // 2 if side > w else 0 for side, w in zip(hw, self.window_hw, strict=True))


@MODELS.register_module()
class PoolingWindowAttention(WindowAttention):
    """Each window also sees the mean of every window (ViTPose, section 3.3).

    Mean and not maximum is our reading. A mean of keys is the key of the mean, so nothing is
    projected twice. Means have no relative position, and are those of the unshifted windows.
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
    """Both: windows shifted by half their size, and the mean of every window."""
