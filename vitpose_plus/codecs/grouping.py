"""Groups candidates of keypoints into people by their tags: HigherHRNet's method, vectorised.

Shapes: K keypoints, h w heatmap, M candidates of a keypoint, L tags of a pixel (two with the flip
test), G people found. Pixels are (x, y).
"""

from collections.abc import Sequence

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

FAR = 2.0**24  # larger tags are clipped, because float32 cannot represent all larger integers


def group(
    scores: np.ndarray,
    tags: np.ndarray,
    order: Sequence[int],
    score_thr: float = 0.1,
    tag_thr: float = 1.0,
) -> np.ndarray:
    """Assigns the candidates of all keypoints to people.

    The keypoints are processed one after the other. The candidates of a keypoint are assigned to
    the people found so far. The assignment has the smallest sum of rounded distances between the
    tag and the mean tag of the person; at equal distance, higher scores are preferred. A candidate
    that is too far from every person starts a new person. Candidates whose score or tag is not
    finite are ignored.

    Args:
        scores: Scores of the candidates, (K, M).
        tags: Tags of the candidates, (K, M, L).
        order: The order in which the keypoints are processed.
        score_thr: Candidates must have a higher score.
        tag_thr: The distance to the mean tag of a person must be smaller.

    Returns:
        (G, K): for every person and keypoint the index of the candidate, or -1.
    """
    k, _, num_tags = tags.shape
    usable = (scores > score_thr) & np.isfinite(scores) & np.isfinite(tags).all(-1)  # (K, M)
    tags = tags.clip(-FAR, FAR)
    members, sums = np.full((0, k), -1), np.zeros((0, num_tags), tags.dtype)
    for keypoint in order:
        found = np.flatnonzero(usable[keypoint])
        own = tags[keypoint, found]
        means = sums / (members >= 0).sum(1, keepdims=True)
        apart = np.linalg.norm(own[:, None] - means, axis=-1)  # (candidates, people)
        rows, columns = linear_sum_assignment(apart.round() * 100 - scores[keypoint, found, None])
        close = apart[rows, columns] < tag_thr
        rows, columns = rows[close], columns[close]
        members[columns, keypoint] = found[rows]
        sums[columns] += own[rows]
        new = np.delete(np.arange(len(found)), rows)
        fresh = np.full((len(new), k), -1)
        fresh[:, keypoint] = found[new]
        members, sums = np.concatenate([members, fresh]), np.concatenate([sums, own[new]])
    return members


def fill(
    pixels: Tensor, missing: np.ndarray, heatmaps: Tensor, tags: Tensor, means: Tensor
) -> Tensor:
    """Finds the best pixel for every missing keypoint of a person (HigherHRNet's refinement).

    Args:
        pixels: Pixels of the keypoints, (K, G, 2).
        missing: Which keypoints are missing, (G, K).
        heatmaps: (K, h, w).
        tags: (L * K, h, w).
        means: Mean tags of the people, (G, L).

    Returns:
        (K, G, 2). The distances between the tags of the pixels and the person's mean tag are
        rounded. Among the pixels with the smallest distance, the one with the highest heatmap value
        is chosen. Pixels whose value or tag is not finite come last.
    """
    pixels, tags = pixels.clone(), tags.unflatten(0, (-1, heatmaps.shape[0]))  # (L, K, h, w)
    for keypoint in np.flatnonzero(missing.any(0)).tolist():
        rows = torch.from_numpy(np.flatnonzero(missing[:, keypoint])).to(pixels.device)
        apart = tags[:, keypoint] - means[rows, :, None, None]  # (people, L, h, w)
        apart = apart.square_().sum(1).sqrt_().round_()
        fit = heatmaps[keypoint] - apart.mul_(100)
        fit.nan_to_num_(nan=-torch.inf, posinf=-torch.inf)  # else a NaN would be the maximum
        y = fit.amax(2).argmax(1)  # first the row, then the column: one long argmax is slow
        x = fit.take_along_dim(y[:, None, None], 1)[:, 0].argmax(1)
        pixels[keypoint, rows] = torch.stack([x, y], dim=-1)
    return pixels
