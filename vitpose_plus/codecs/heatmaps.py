"""Codecs that decode a batch of heatmaps on its device, with the results of the authors' code.

Encoding equals mmpose's. The functions keep tensors on their device.

Shapes: B batch, K keypoints, h w heatmap. Peaks and points are (x, y) in heatmap pixels, pixel
centres at integers.
"""

import math

import numpy as np
import torch
from mmpose.codecs import MSRAHeatmap, UDPHeatmap
from mmpose.registry import KEYPOINT_CODECS
from torch import Tensor

from vitpose_plus.codecs.blurring import constant, log_blurred
from vitpose_plus.codecs.targets import GaussianTargets

EPS = torch.finfo(torch.float32).eps
BLOCK = 64  # pixels, at most: torch compares so many at a time if it needs no index


def find_peaks(heatmaps: Tensor) -> tuple[Tensor, Tensor]:
    """(B, K, h, w) -> the first maximum (B, K, 2) and its value (B, K).

    The peak of a map without any positive value is (-1, -1).

    Maxima with an index are slow on a CPU. So the maximum of each block of pixels comes first, and
    the index is searched among the blocks, and then in the block with the maximum.
    """
    h, w = heatmaps.shape[-2:]
    blocks = heatmaps.flatten(-2).unflatten(-1, (-1, math.gcd(h * w, BLOCK)))  # (B, K, N, P)
    scores, number = blocks.amax(-1).max(-1)
    size = blocks.shape[-1]
    chosen = number[..., None, None].expand(*number.shape, 1, size)
    index = number * size + blocks.gather(-2, chosen)[..., 0, :].argmax(-1)
    peaks = torch.stack([index % w, index // w], -1).to(heatmaps.dtype)
    return torch.where(scores[..., None] > 0, peaks, -1.0), scores


def shift_by_quarter(heatmaps: Tensor, peaks: Tensor) -> Tensor:
    """(B, K, h, w), (B, K, 2) -> points (B, K, 2), a quarter pixel towards the higher neighbours.

    Only peaks with 1 < x < w - 1 and 1 < y < h - 1 are moved. mmpose's condition for the other axis
    is weaker: for a move along x, it is only 0 < y < h.
    """
    h, w = heatmaps.shape[-2:]
    x, y = peaks.long().unbind(-1)
    columns = torch.stack([x - 1, x + 1, x, x], -1).clamp(0, w - 1)
    rows = torch.stack([y, y, y - 1, y + 1], -1).clamp(0, h - 1)
    left, right, above, below = at(heatmaps, rows, columns).unbind(-1)
    inside = (x > 1) & (x < w - 1) & (y > 1) & (y < h - 1)
    shift = torch.stack([right - left, below - above], -1).sign() * 0.25
    return peaks + shift * inside[..., None]


def refine_dark_udp(heatmaps: Tensor, peaks: Tensor, kernel_size: int = 11) -> Tensor:
    """(B, K, h, w), (B, K, 2) -> points (B, K, 2): a Newton step on the log of the blurred map.

    A map may have several peaks: (B, K, G, 2) gives as many points. Only the nine blurred values
    that the step needs are computed. They are sums of products instead of a convolution, because
    autocast and TF32 would round a convolution.
    """
    h, w = heatmaps.shape[-2:]
    x, y = (c[..., None] for c in peaks.long().unbind(-1))
    reach = torch.arange(-(kernel_size // 2) - 1, kernel_size // 2 + 2, device=peaks.device)
    window = at(heatmaps, *grid(_mirrored(y + reach, h), _mirrored(x + reach, w)))
    # Outside the map, the value at the border is used.
    step = torch.arange(-1, 2, device=peaks.device)
    rows, columns = (y + step).clamp(0, h - 1) - y + 1, (x + step).clamp(0, w - 1) - x + 1
    return peaks - newton_step(at(log_blurred(window, kernel_size), *grid(rows, columns)))


def newton_step(v: Tensor) -> Tensor:
    """(B, K, 3, 3) values around the peaks -> inverse Hessian times gradient, (B, K, 2).

    The result is zero if the Hessian is singular; the authors' code raises an error there.
    """
    (corner, top, _), (left, centre, right), (_, bottom, opposite) = (
        row.unbind(-1) for row in v.unbind(-2)
    )
    dx, dy = 0.5 * (right - left), 0.5 * (bottom - top)
    dxx, dyy = right - 2 * centre + left + EPS, bottom - 2 * centre + top + EPS
    dxy = 0.5 * (opposite - right - bottom + centre + centre - left - top + corner)
    det = dxx * dyy - dxy * dxy
    step = torch.stack([dyy * dx - dxy * dy, dxx * dy - dxy * dx], -1)
    regular = (det != 0)[..., None]
    return torch.where(regular, step / torch.where(regular, det[..., None], 1.0), 0.0)


def _mirrored(index: Tensor, size: int) -> Tensor:
    """Reflects indices outside the map at the border pixel, as OpenCV does by default."""
    last = size - 1
    return last - (index % max(2 * last, 1) - last).abs()


def grid(rows: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
    """Rows (..., R) and columns (..., C) -> indices that broadcast to (..., R, C)."""
    return rows[..., :, None], columns[..., None, :]


def at(maps: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Maps (B, K, ..., h, w), indices that broadcast to (B, K, ...) -> values (B, K, ...)."""
    index = rows * maps.shape[-1] + columns
    return maps.flatten(-2).gather(-1, index.flatten(maps.ndim - 2)).view(index.shape)


class BatchedDecoding:
    """The common part of both codecs. Each defines ``refine``, which moves peaks to points, and
    ``to_crop``, which converts points to crop pixels."""

    def locate(self, heatmaps: Tensor) -> tuple[Tensor, Tensor]:
        """(B, K, h, w) -> (B, K, 2) in crop pixels and scores (B, K), on the heatmaps' device."""
        peaks, scores = find_peaks(heatmaps)
        return self.to_crop(self.refine(heatmaps, peaks)), scores

    def batch_decode(self, batch_encoded: Tensor) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """(B, K, h, w) -> B arrays (1, K, 2) in crop pixels, B arrays of scores (1, K); float32."""
        points, scores = self.locate(batch_encoded.detach().float())
        both = torch.cat([points, scores[..., None]], -1).cpu().numpy()  # the only transfer
        return list(both[:, None, :, :2]), list(both[:, None, :, 2])

    def decode(self, encoded: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(K, h, w) -> (1, K, 2) in crop pixels and scores (1, K)."""
        [points], [scores] = self.batch_decode(torch.from_numpy(encoded)[None])
        return points, scores


@KEYPOINT_CODECS.register_module()
class BatchedUDPHeatmap(GaussianTargets, BatchedDecoding, UDPHeatmap):
    """UDP's Gaussian targets, decoded by DARK as in the authors' code (docs/decoding.md).

    Args:
        input_size: Width and height of the crop, in pixels.
        heatmap_size: Width and height of the heatmaps.
        sigma: Sigma of the targets, in heatmap pixels.
        blur_kernel_size: Kernel size of the Gaussian blur before the Newton step; OpenCV derives
            the sigma of the blur from it.
    """

    def __init__(
        self,
        input_size: tuple[int, int],
        heatmap_size: tuple[int, int],
        sigma: float = 2.0,
        blur_kernel_size: int = 11,
    ) -> None:
        super().__init__(input_size, heatmap_size, sigma=sigma, blur_kernel_size=blur_kernel_size)

    def centre(self, points: np.ndarray, nearest: np.ndarray) -> np.ndarray:
        """The exact centre of each Gaussian, counted from the first pixel of its window."""
        return (6 * self.sigma + 1) // 2 + (points - nearest)

    def refine(self, heatmaps: Tensor, peaks: Tensor) -> Tensor:
        return refine_dark_udp(heatmaps, peaks, self.blur_kernel_size)

    def to_crop(self, points: Tensor) -> Tensor:
        """As in mmpose: the last heatmap pixel is the right or lower edge of the box."""
        last = constant([side - 1 for side in self.heatmap_size], points)
        return points / last * constant(self.input_size, points)


@KEYPOINT_CODECS.register_module()
class BatchedMSRAHeatmap(GaussianTargets, BatchedDecoding, MSRAHeatmap):
    """Plain Gaussian targets, decoded to a quarter pixel as in the authors' code.

    See docs/decoding.md.

    Args:
        input_size: Width and height of the crop, in pixels.
        heatmap_size: Width and height of the heatmaps.
        sigma: Sigma of the targets, in heatmap pixels.
    """

    def __init__(
        self, input_size: tuple[int, int], heatmap_size: tuple[int, int], sigma: float = 2.0
    ) -> None:
        super().__init__(input_size, heatmap_size, sigma)

    def centre(self, points: np.ndarray, nearest: np.ndarray) -> np.ndarray:
        """The pixel that is nearest to the centre, counted from the first one of its window."""
        return np.full_like(points, (6 * self.sigma + 1) // 2, np.float32)

    def refine(self, heatmaps: Tensor, peaks: Tensor) -> Tensor:
        return shift_by_quarter(heatmaps, peaks)

    def to_crop(self, points: Tensor) -> Tensor:
        return points * constant(self.scale_factor.tolist(), points)
