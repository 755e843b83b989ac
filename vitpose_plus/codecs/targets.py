"""Gaussian targets of all keypoints at once, equal to those that mmpose makes one by one.

Shapes: K keypoints, D drawn keypoints, h w heatmap, S the side of a Gaussian's window. Points are
(x, y) in heatmap pixels, pixel centres at integers.
"""

import numpy as np

from vitpose_plus.errors import UserError


class GaussianTargets:
    """The encoding of both codecs. Each defines ``centre``."""

    def encode(
        self, keypoints: np.ndarray, keypoints_visible: np.ndarray | None = None
    ) -> dict[str, np.ndarray]:
        """Points (1, K, 2) in crop pixels and visibility (1, K) -> targets.

        Returns:
            ``heatmaps`` (K, h, w), and ``keypoint_weights`` (1, K): the visibility, but 0 if
            no part of the Gaussian is inside the heatmap.
        """
        if len(keypoints) != 1:
            raise UserError(
                f'{type(self).__name__} encodes the keypoints of one crop, but keypoints has '
                f'{len(keypoints)} people: use a top-down pipeline.'
            )
        if keypoints_visible is None:
            keypoints_visible = np.ones(keypoints.shape[:2], np.float32)
        [points], weights = keypoints / self.scale_factor, keypoints_visible.copy()
        nearest = _whole(points + 0.5)
        first, stop = _whole(nearest - 3 * self.sigma), _whole(nearest + 3 * self.sigma + 1)
        labelled = ~(weights[0] < 0.5)
        outside = ((first >= self.heatmap_size) | (stop < 0)).any(-1)
        weights[0, labelled & outside] = 0
        drawn = labelled & ~outside
        centres = self.centre(points[drawn], nearest[drawn])
        heatmaps = np.zeros((len(points), *self.heatmap_size[::-1]), np.float32)
        draw(heatmaps, np.flatnonzero(drawn), first[drawn], stop[drawn], centres, self.sigma)
        return dict(heatmaps=heatmaps, keypoint_weights=weights)


def draw(
    heatmaps: np.ndarray,
    numbers: np.ndarray,
    first: np.ndarray,
    stop: np.ndarray,
    centres: np.ndarray,
    sigma: float,
) -> None:
    """Draws the Gaussians of D keypoints into heatmaps (K, h, w), each into its own map.

    Args:
        numbers: The keypoints' numbers (D,).
        first: The first pixel of each window (D, 2). It may be outside the map.
        stop: The pixel after the last one of each window (D, 2).
        centres: The Gaussians' centres (D, 2), counted from ``first``. Their type is the precision
            in which the Gaussians are computed.
        sigma: Sigma of the Gaussians.
    """
    h, w = heatmaps.shape[1:]
    steps = np.arange(0, 2 * (3 * sigma) + 1, dtype=np.float32)  # (S,)
    values = np.square(steps - centres[..., None])  # (D, 2, S)
    values = np.exp(-(values[:, 0, None] + values[:, 1, :, None]) / (2 * sigma**2))  # (D, S, S)
    pixels = first[..., None] + np.arange(len(steps))  # (D, 2, S)
    inside = (pixels >= 0) & (pixels < np.minimum(stop, (w, h))[..., None])
    places = (numbers[:, None] * h + pixels[:, 1])[..., None] * w + pixels[:, 0, None]
    inside = inside[:, 1, :, None] & inside[:, 0, None]
    heatmaps.reshape(-1)[places[inside]] = values[inside]


def _whole(numbers: np.ndarray) -> np.ndarray:
    """Cuts off the decimals. A number that is not finite becomes the lowest integer."""
    with np.errstate(invalid='ignore'):
        return numbers.astype(np.int64)
