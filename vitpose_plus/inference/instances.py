"""The prediction for one person or animal.

Shapes: K keypoints of the dataset.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass
class Instance:
    """One person or animal.

    Attributes:
        dataset: The dataset that defines the keypoints.
        box: x1, y1, x2, y2 (4,) in pixels of the picture as it is shown.
        box_score: The score of the detector; 1 for given boxes.
        keypoints: x, y (K, 2) in the same pixels.
        scores: The scores of the keypoints (K,).
        id: The id of the track; None in pictures.
        category_id: The id of the category in the file of boxes; None if there is none.
        smoothed: x, y (K, 2) after smoothing in time; None without smoothing.
        filled: Whether the instance is interpolated between two frames of its track.
        flip_distance: The distances (K,) between the keypoints that are predicted from the crop and
            from the mirrored crop, in pixels of the picture; None without ``quality``.
        spread: The standard deviations (K,) of the heatmaps in the same pixels; None without
            ``quality``.
        jumps: Whether each keypoint jumps against the neighbouring frames (K,), bool; None if no
            keypoint does.
    """

    dataset: str
    box: np.ndarray
    box_score: float
    keypoints: np.ndarray
    scores: np.ndarray
    id: int | None = None
    category_id: int | None = None
    smoothed: np.ndarray | None = None
    filled: bool = False
    flip_distance: np.ndarray | None = None
    spread: np.ndarray | None = None
    jumps: np.ndarray | None = None

    def to_dict(self) -> dict[str, Any]:
        """Returns the instance as it is written in a line of ``predictions.ndjson``."""
        points, scores = _rounded(self.keypoints), _rounded(self.scores, 6)
        line = dict(
            dataset=self.dataset,
            id=self.id,
            box=_rounded(self.box),
            box_score=round(float(self.box_score), 6),
            keypoints=[[x, y, score] for (x, y), score in zip(points, scores, strict=True)],
        )
        if self.smoothed is not None:
            line['smoothed'] = _rounded(self.smoothed)
        if self.filled:
            line['filled'] = True
        if self.spread is not None:
            line['quality'] = dict(
                flip_distance=_rounded(self.flip_distance), spread=_rounded(self.spread)
            )
        if self.jumps is not None:
            line['jumps'] = np.flatnonzero(self.jumps).tolist()
        return line if self.category_id is None else line | dict(category_id=self.category_id)

    @classmethod
    def from_dict(cls, line: Mapping[str, Any]) -> 'Instance':
        """Reads ``to_dict``."""
        points = np.array(line['keypoints'], np.float64).reshape(-1, 3)
        quality = line.get('quality', {})
        return cls(
            line['dataset'],
            box=np.array(line['box'], np.float64),
            box_score=line['box_score'],
            keypoints=points[:, :2],
            scores=points[:, 2],
            id=line['id'],
            category_id=line.get('category_id'),
            smoothed=_array(line.get('smoothed')),
            filled=line.get('filled', False),
            flip_distance=_array(quality.get('flip_distance')),
            spread=_array(quality.get('spread')),
            jumps=np.isin(np.arange(len(points)), line['jumps']) if 'jumps' in line else None,
        )


def _array(values: list | None) -> np.ndarray | None:
    return None if values is None else np.array(values, np.float64)


def _rounded(values: np.ndarray, decimals: int = 4) -> list:
    """Nested lists of rounded numbers; the default is for coordinates in pixels."""
    return np.round(np.asarray(values, np.float64), decimals).tolist()
