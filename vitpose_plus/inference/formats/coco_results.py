"""Makes the results that COCO's evaluation reads; one class for each metric.

Shapes: N instances of one dataset in a picture, K keypoints.
"""

from typing import Any

import numpy as np
from mmpose.datasets.transforms import TopdownAffine
from mmpose.evaluation.functional import oks_nms
from mmpose.evaluation.metrics import CocoWholeBodyMetric
from mmpose.structures.bbox import bbox_xyxy2cs, bbox_xyxy2xywh

from vitpose_plus.datasets.skeletons import Skeleton

# The defaults of mmpose's CocoMetric.
MIN_SCORE = 0.2  # an instance is rescored by the mean of its keypoints above this score
MAX_OKS = 0.9  # if the OKS of two instances is higher, the one with the lower score is suppressed


class BottomUpResults:
    """As ``CocoMetric(score_mode='bbox', nms_mode='none')``: all instances, with box scores."""

    def __init__(self, skeleton: Skeleton) -> None:
        self.skeleton = skeleton

    def kept(
        self, points: np.ndarray, boxes: np.ndarray, box_scores: np.ndarray
    ) -> tuple[list[int], np.ndarray]:
        """Returns the rows of the instances that become results, in order, and all scores (N,).

        Args:
            points: x, y, score (N, K, 3).
            boxes: x1, y1, x2, y2 (N, 4).
            box_scores: The scores of the boxes (N,).
        """
        return list(range(len(points))), box_scores

    def result(self, points: np.ndarray, box: np.ndarray) -> dict[str, Any]:
        """Returns the fields of one instance, from its keypoints (K, 3) and its box (4,)."""
        return self.keypoints(points)

    def keypoints(self, points: np.ndarray) -> dict[str, list[float]]:
        """Returns lists of x, y and score (or visibility) of the keypoints (K, 3), by field."""
        return dict(keypoints=points.ravel().tolist())

    @property
    def number(self) -> int:
        """The number of keypoints in the field ``keypoints``, which a category describes."""
        return len(self.skeleton.names)


class TopDownResults(BottomUpResults):
    """The same results as those of ``CocoMetric()``.

    Box scores are multiplied by the mean of the keypoints' scores. Of two instances that are almost
    the same, the one with the lower score is suppressed.
    """

    def kept(
        self, points: np.ndarray, boxes: np.ndarray, box_scores: np.ndarray
    ) -> tuple[list[int], np.ndarray]:
        counted = points[..., 2] > MIN_SCORE
        sums = np.where(counted, points[..., 2], 0).sum(axis=1)
        scores = box_scores * sums / np.maximum(counted.sum(axis=1), 1)
        if not self.skeleton.sigmas:  # for example hands: without sigmas there is no OKS
            return list(range(len(points))), scores
        candidates = [
            dict(keypoints=one, score=score, area=area)
            for one, score, area in zip(points, scores, self._areas(boxes), strict=True)
        ]
        rows = oks_nms(candidates, MAX_OKS, sigmas=np.array(self.skeleton.sigmas))
        return [int(row) for row in rows], scores

    def _areas(self, boxes: np.ndarray) -> np.ndarray:
        """The areas of the crops, in square pixels of the picture (N,)."""
        _, scales = bbox_xyxy2cs(boxes, padding=self.skeleton.padding)
        w, h = self.skeleton.input_wh
        return TopdownAffine._fix_aspect_ratio(scales, aspect_ratio=w / h).prod(axis=1)

    def result(self, points: np.ndarray, box: np.ndarray) -> dict[str, Any]:
        return self.keypoints(points) | dict(bbox=bbox_xyxy2xywh(box[None])[0].tolist())


class WholeBodyResults(TopDownResults):
    """As ``CocoWholeBodyMetric()``: each part of the body has its own field."""

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


OF_DATASETS = {'coco_wholebody': WholeBodyResults}  # datasets with their own metric


def results_of(skeleton: Skeleton) -> BottomUpResults:
    if skeleton.input_wh is None:
        return BottomUpResults(skeleton)
    return OF_DATASETS.get(skeleton.dataset, TopDownResults)(skeleton)
