"""Errors of predicted keypoints in pixels of the original picture.

Shapes: N instances, K keypoints. The error of a keypoint is the Euclidean distance between its
predicted and its labelled position. Keypoints without a label (visibility 0) never count.

    mean      the mean of the errors
    median    the median of the errors
    RMSE      the root of the mean squared error, as DeepLabCut reports it
    share     the mean of error / longer side of the instance's box
    PCK@T     the share of the errors that are at most T pixels, from 0 to 1

A number for all keypoints is computed from all errors together: keypoints with more labels count
more. So the mean for all keypoints is mmpose's metric ``EPE``.
"""

from dataclasses import dataclass

import numpy as np

from vitpose_plus.errors import UserError

THRESHOLDS = (5, 10)  # pixels, of PCK


@dataclass(frozen=True)
class ErrorSummary:
    """Numbers of a set of errors; all except ``labels`` are None if there is no label.

    Attributes:
        labels: The number of labelled keypoints.
        mean_px: The mean error in pixels.
        median_px: The median error in pixels.
        rmse_px: The root of the mean squared error in pixels.
        mean_share: The mean error as a share of the longer side of the box.
        pck_5px: The share of the errors that are at most 5 pixels.
        pck_10px: The share of the errors that are at most 10 pixels.
    """

    labels: int
    mean_px: float | None = None
    median_px: float | None = None
    rmse_px: float | None = None
    mean_share: float | None = None
    pck_5px: float | None = None
    pck_10px: float | None = None

    @classmethod
    def of(cls, distances: np.ndarray, shares: np.ndarray) -> 'ErrorSummary':
        """Returns the numbers of errors of any shape, in pixels and as shares; NaN: no label."""
        is_labelled = ~np.isnan(distances)
        errors = distances[is_labelled]
        if not len(errors):
            return cls(0)
        return cls(
            labels=len(errors),
            mean_px=float(errors.mean()),
            median_px=float(np.median(errors)),
            rmse_px=float(np.sqrt(np.square(errors).mean())),
            mean_share=float(shares[is_labelled].mean()),
            **{f'pck_{at}px': float((errors <= at).mean()) for at in THRESHOLDS},
        )


@dataclass(frozen=True)
class PixelErrors:
    """The errors of all keypoints.

    Attributes:
        distances: The errors in pixels (N, K); NaN for keypoints without a label.
        shares: The errors as shares of the longer side of the instance's box (N, K); NaN as above.
    """

    distances: np.ndarray
    shares: np.ndarray

    def overall(self) -> ErrorSummary:
        """Returns the numbers for all keypoints together."""
        return ErrorSummary.of(self.distances, self.shares)

    def per_keypoint(self) -> list[ErrorSummary]:
        """Returns the numbers for each of the K keypoints."""
        columns = zip(self.distances.T, self.shares.T, strict=True)
        return [ErrorSummary.of(*column) for column in columns]

    def per_instance(self) -> np.ndarray:
        """Returns the mean error of each instance in pixels (N,); NaN for one without labels."""
        counts = (~np.isnan(self.distances)).sum(axis=1)
        means = np.nansum(self.distances, axis=1) / np.maximum(counts, 1)
        return np.where(counts > 0, means, np.nan)


def pixel_errors(predicted: np.ndarray, labels: np.ndarray, boxes: np.ndarray) -> PixelErrors:
    """Compares predicted with labelled keypoints.

    Args:
        predicted: x, y (N, K, 2) in pixels of the original picture.
        labels: x, y, visibility (N, K, 3) in the same pixels. Visibility 0: there is no label.
        boxes: x1, y1, x2, y2 of the instances (N, 4) in the same pixels.

    Raises:
        UserError: A predicted keypoint is not finite, or a box has no area.
    """
    predicted, labels, boxes = (np.asarray(each, np.float64) for each in (predicted, labels, boxes))
    is_labelled = labels[..., 2] > 0
    if not np.isfinite(predicted[is_labelled]).all():
        raise UserError(
            'A predicted keypoint is not a finite number: the weights are damaged; train again.'
        )
    sides = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    if not (sides > 0).all():
        raise UserError(
            f'Box {(sides <= 0).argmax()} has no width and height: correct the annotations.'
        )
    points = np.where(is_labelled[..., None], labels[..., :2], np.nan)
    distances = np.linalg.norm(predicted - points, axis=-1)
    return PixelErrors(distances, distances / sides[:, None])
