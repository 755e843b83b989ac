"""Removes near duplicates from films: second boxes of the same person or animal."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from vitpose_plus.inference.formats.coco_results import MAX_OKS, results_of
from vitpose_plus.inference.results import Instance, Result
from vitpose_plus.inference.stages import Stage


class NearDuplicates(Stage):
    """Removes instances whose keypoints are almost the same as those of another instance.

    A detector can give two boxes to one person; then the person would have two tracks. The instance
    with the higher score stays, as in mmpose's COCO metric (``oks_nms``). The keypoints, not the
    boxes, are compared. So two people stay if their boxes overlap and their poses differ.

    Instances of different datasets are not compared. Pictures are not changed. An instance with the
    highest box score of its dataset stays, so given boxes without scores all stay. Bottom-up models
    and datasets without sigmas keep all instances.
    """

    def describe(self) -> dict[str, Any]:
        """Returns the settings, for the manifest."""
        return dict(max_oks=MAX_OKS)

    def film(self, results: Iterator[Result]) -> Iterator[Result]:
        for result in results:
            yield result if result.frame is None else _distinct(result)


def _distinct(result: Result) -> Result:
    """The result without near duplicates; the same object if there are none."""
    removed = {row for name in result.skeletons for row in _removed(result, name)}
    if not removed:
        return result
    kept = [one for row, one in enumerate(result.instances) if row not in removed]
    return replace(result, instances=kept)


def _removed(result: Result, dataset: str) -> list[int]:
    """The rows of the near duplicates of one dataset in ``result.instances``."""
    rows = [row for row, one in enumerate(result.instances) if one.dataset == dataset]
    own: list[Instance] = [result.instances[row] for row in rows]
    if len(own) < 2:
        return []
    points = np.stack([np.column_stack([one.keypoints, one.scores]) for one in own])
    boxes, scores = np.stack([one.box for one in own]), np.array([one.box_score for one in own])
    kept, _ = results_of(result.skeletons[dataset]).kept(points, boxes, scores)
    stays = set(kept) | set(np.flatnonzero(scores == scores.max()))
    return [row for number, row in enumerate(rows) if number not in stays]
