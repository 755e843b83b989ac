"""A codec that decodes keypoints near a border of the crop as exactly as all others.

Shapes: B batch, K keypoints, h w heatmap, D the side of the window around a peak. Peaks and points
are (x, y) in heatmap pixels.
"""

import torch
from mmpose.registry import KEYPOINT_CODECS
from torch import Tensor

from vitpose_plus.codecs.blurring import gaussian, log_blurred
from vitpose_plus.codecs.heatmaps import EPS, BatchedUDPHeatmap, at, grid, newton_step

LOWEST = 1e-3  # lower values, as parts of the peak's, do not change the fit
FARTHEST = 1.0  # pixels between the highest pixel and the centre of the fitted Gaussian, at most


def refine_dark_continued(
    heatmaps: Tensor, peaks: Tensor, kernel_size: int = 11, sigma: float = 2.0
) -> Tensor:
    """(B, K, h, w), (B, K, 2) -> points (B, K, 2): DARK's step on a map continued over its border.

    DARK blurs the map, so it needs pixels that are up to six pixels from the peak. The authors'
    code mirrors the map at its border, and mmpose sets the pixels outside to zero. Both move a
    peak that is near a border. Here, rows and columns are continued as Gaussians, which are fitted
    to the pixels inside. So a Gaussian in the direction of the axes is decoded exactly. Peaks whose
    window is inside the map have the same points as from ``refine_dark_udp``.

    Args:
        kernel_size: Kernel size of the blur.
        sigma: Sigma of the targets. A fitted Gaussian is at least half and at most twice as wide.
    """
    h, w = heatmaps.shape[-2:]
    some = peaks >= 0  # a map without positive values has no peak
    x, y = (c[..., None] for c in peaks.clamp(min=0).long().unbind(-1))
    reach = kernel_size // 2 + 1
    away = torch.arange(-reach, reach + 1, device=peaks.device)  # (D,)
    near_x, near_y = (x + away).clamp(0, w - 1) - x, (y + away).clamp(0, h - 1) - y  # (B, K, D)
    window = at(heatmaps, *grid(y + near_y, x + near_x))
    weights, positive = gaussian(len(away), window), window.clamp(min=0)
    along_x = (positive * (weights * (near_y == away))[..., :, None]).sum(-2)
    along_y = (positive * (weights * (near_x == away))[..., None, :]).sum(-1)
    factors_y = _continued(along_y, away, near_y, weights, sigma)
    factors_x = _continued(along_x, away, near_x, weights, sigma)
    window = window * factors_y[..., :, None] * factors_x[..., None, :]
    return torch.where(some, peaks - newton_step(log_blurred(window, kernel_size)), peaks)


def _continued(
    profile: Tensor, away: Tensor, near: Tensor, weights: Tensor, sigma: float
) -> Tensor:
    """The fitted Gaussian at each pixel, divided by its value at the nearest pixel of the map.

    The logarithm of a Gaussian is ``slope * d + bend * d ** 2``, for a distance d from the peak.
    Both numbers are fitted by least squares. The square of a pixel's value is its weight: the
    logarithms of small values have large errors.

    Args:
        profile: The sum of the map across the axis (B, K, D); positive at the peak.
        away: The pixels as distances from the peak (D,).
        near: The nearest pixels of the map, as distances from the peak (B, K, D).
        weights: More weights of the pixels (D,).
        sigma: Sigma of the targets.

    Returns:
        (B, K, D); 1 for pixels of the map.
    """
    share = profile / profile[..., len(away) // 2, None]
    share, d = share.clamp(min=LOWEST), away.to(profile)
    weights = weights * share.clamp(max=1) ** 2 * (near == away)
    two, three, four = ((weights * d**power).sum(-1) for power in (2, 3, 4))
    one_log, two_log = ((weights * share.log() * d**power).sum(-1) for power in (1, 2))
    det = two * four - three**2 + EPS * EPS  # 0 if the map has two pixels or fewer on this axis
    slope, bend = four * one_log - three * two_log, two * two_log - three * one_log
    bend = (bend / det).clamp(-2 / sigma**2, -0.125 / sigma**2)[..., None]
    centre = (slope / det)[..., None] / (-2 * bend)
    centre = centre.clamp(-FARTHEST, FARTHEST)
    return (bend * ((d - centre) ** 2 - (near - centre) ** 2)).exp()


@KEYPOINT_CODECS.register_module()
class BorderExactUDPHeatmap(BatchedUDPHeatmap):
    """As ``BatchedUDPHeatmap``, but also exact near a border (docs/decoding.md).

    The targets are the same. So a model that was trained with one codec can be decoded by the other
    one.
    """

    def refine(self, heatmaps: Tensor, peaks: Tensor) -> Tensor:
        return refine_dark_continued(heatmaps, peaks, self.blur_kernel_size, self.sigma)
