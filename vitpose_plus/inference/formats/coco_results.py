"""What COCO's evaluation reads of instances; one class a metric.

Shapes: N instances of one dataset in a picture, K keypoints.
"""

from typing import Any

import numpy as np
from mmpose.datasets.transforms import TopdownAffine
from mmpose.evaluation.functional import oks_nms
from mmpose.evaluation.metrics import CocoWholeBodyMetric
from mmpose.structures.bbox import bbox_xyxy2cs, bbox_xyxy2xywh

from vitpose_plus.datasets.skeletons import Skeleton

# As in mmpose's CocoMetric, if it is not told otherwise.
LEAST_SCORE = 0.2  # of the keypoints whose mean rescores an instance
MOST_SIMILAR = 0.9  # OKS above which the lower score is suppressed
PADDING = 1.25  # of boxes before they are cropped (GetBBoxCenterScale)


class BottomUpResults:
    """As ``CocoMetric(score_mode='bbox', nms_mode='none')``: everything, with its own score."""

    def __init__(self, skeleton: Skeleton) -> None:
        self.skeleton = skeleton

    def kept(
        self, points: np.ndarray, boxes: np.ndarray, box_scores: np.ndarray
    ) -> tuple[list[int], np.ndarray]:
        """The rows that are results, in order, and the scores of all (N,).

        Args:
            points: x, y, score (N, K, 3).
            boxes: x1, y1, x2, y2 (N, 4).
            box_scores: (N,).
        """
        return list(range(len(points))), box_scores

    def result(self, points: np.ndarray, box: np.ndarray) -> dict[str, Any]:
        """The fields of one instance (K, 3), (4,)."""
        return self.keypoints(points)

    def keypoints(self, points: np.ndarray) -> dict[str, list[float]]:
        """Lists x, y, score or visibility of the keypoints (K, 3), by their fields."""
        return dict(keypoints=points.ravel().tolist())

    @property
    def number(self) -> int:
        """Of the keypoints in the field ``keypoints``, which a category describes."""
        return len(self.skeleton.names)


class TopDownResults(BottomUpResults):
    """As ``CocoMetric()``: rescored by the mean of the keypoints' scores; of two that are almost
    the same, the one with the lower score is suppressed."""

    def kept(
        self, points: np.ndarray, boxes: np.ndarray, box_scores: np.ndarray
    ) -> tuple[list[int], np.ndarray]:
        counted = points[..., 2] > LEAST_SCORE
        sums = np.where(counted, points[..., 2], 0).sum(axis=1)
        scores = box_scores * sums / np.maximum(counted.sum(axis=1), 1)
        if not self.skeleton.sigmas:  # as of hands: mmpose knows no similarity of them
            return list(range(len(points))), scores
        candidates = [
            dict(keypoints=one, score=score, area=area)
            for one, score, area in zip(points, scores, self._areas(boxes), strict=True)
        ]
        rows = oks_nms(candidates, MOST_SIMILAR, sigmas=np.array(self.skeleton.sigmas))
        return [int(row) for row in rows], scores

    def _areas(self, boxes: np.ndarray) -> np.ndarray:
        """Of the crops, in square pixels of the picture (N,)."""
        _, scales = bbox_xyxy2cs(boxes, padding=PADDING)
        w, h = self.skeleton.input_wh
        return TopdownAffine._fix_aspect_ratio(scales, aspect_ratio=w / h).prod(axis=1)

    def result(self, points: np.ndarray, box: np.ndarray) -> dict[str, Any]:
        return self.keypoints(points) | dict(bbox=bbox_xyxy2xywh(box[None])[0].tolist())


class WholeBodyResults(TopDownResults):
    """As ``CocoWholeBodyMetric()``: the parts of the body in fields of their own."""

    PARTS = {
        'keypoints': CocoWholeBodyMetric.body_num,
        'foot_kpts': CocoWholeBodyMetric.foot_num,
        'face_kpts': CocoWholeBodyMetric.face_num,
        'lefthand_kpts': CocoWholeBodyMetric.left_hand_num,
        'righthand_kpts': CocoWholeBodyMetric.right_hand_num,
    }

    def result(self, points: np.ndarray, box: np.ndarray) -> dict[str, Any]:
        return self.keypoints(points)

    def keypoints(self, points: np.ndarray) -> dict[str, list[float]]:
        parts = np.split(points, np.cumsum(list(self.PARTS.values()))[:-1])
        return {name: part.ravel().tolist() for name, part in zip(self.PARTS, parts, strict=True)}

    @property
    def number(self) -> int:
        return self.PARTS['keypoints']


OF_DATASETS = {'coco_wholebody': WholeBodyResults}  # with a metric of their own


def results_of(skeleton: Skeleton) -> BottomUpResults:
    if skeleton.input_wh is None:
        return BottomUpResults(skeleton)
    return OF_DATASETS.get(skeleton.dataset, TopDownResults)(skeleton)
