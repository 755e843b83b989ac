"""From candidates of keypoints and their tags to people: HigherHRNet's grouping, vectorised.

Shapes: K keypoints, h w heatmap, M candidates of a keypoint, L tags of a pixel (two with the flip
test), G people found. Pixels are (x, y).
"""

from collections.abc import Sequence

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

FAR = 2.0**24  # tags beyond are cut off: float32 does not tell whole numbers apart there


def group(
    scores: np.ndarray,
    tags: np.ndarray,
    order: Sequence[int],
    score_thr: float = 0.1,
    tag_thr: float = 1.0,
) -> np.ndarray:
    """Which candidate of each keypoint belongs to which person.

    Keypoint after keypoint, the candidates are assigned to the people so far, at the least sum of
    rounded distances between tag and mean tag (the higher-scoring candidate first); who is too far
    from everybody is a new person. Candidates whose score or tag is not finite are left out.

    Args:
        scores: (K, M).
        tags: (K, M, L).
        order: Of the keypoints.
        score_thr: Candidates must be above it.
        tag_thr: Distances must be below it.

    Returns:
        (G, K): numbers of candidates, or -1.
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
    """The likeliest pixel of every keypoint that a person lacks (HigherHRNet's refinement).

    Args:
        pixels: Of the people, (K, G, 2).
        missing: Which of them are to be filled in, (G, K).
        heatmaps: (K, h, w).
        tags: (L * K, h, w).
        means: Mean tags of the people, (G, L).

    Returns:
        (K, G, 2): of the pixels whose tag is nearest to the person's, in whole numbers, the one
        with the highest value. Pixels whose value or tag is not finite come last.
    """
    pixels, tags = pixels.clone(), tags.unflatten(0, (-1, heatmaps.shape[0]))  # (L, K, h, w)
    for keypoint in np.flatnonzero(missing.any(0)).tolist():
        rows = torch.from_numpy(np.flatnonzero(missing[:, keypoint])).to(pixels.device)
        apart = tags[:, keypoint] - means[rows, :, None, None]  # (people, L, h, w)
        apart = apart.square_().sum(1).sqrt_().round_()
        fit = heatmaps[keypoint] - apart.mul_(100)
        fit.nan_to_num_(nan=-torch.inf, posinf=-torch.inf)  # a NaN would be the maximum
        y = fit.amax(2).argmax(1)  # the row first: one long argmax is slow
        x = fit.take_along_dim(y[:, None, None], 1)[:, 0].argmax(1)
        pixels[keypoint, rows] = torch.stack([x, y], dim=-1)
    return pixels
