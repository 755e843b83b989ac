"""The keypoints of a dataset: their names, links and sides of the body."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

MIDDLE, LEFT, RIGHT = 0, 1, 2
PADDING = 1.25  # the default of mmpose's GetBBoxCenterScale


@dataclass(frozen=True)
class Skeleton:
    """The keypoints of a dataset.

    Attributes:
        dataset: The name of the dataset.
        names: The names of the K keypoints, in order.
        links: Pairs of keypoint numbers, from 0; a line is drawn between the two keypoints.
        flips: For each of the K keypoints, the number of the keypoint that it becomes in the
            mirrored picture.
        sigmas: The K falloffs of COCO's object keypoint similarity; empty if there are none.
        input_wh: Width and height of the model's crops, in pixels; None without crops.
        padding: The factor by which boxes are enlarged before the crop.
    """

    dataset: str
    names: tuple[str, ...]
    links: tuple[tuple[int, int], ...]
    flips: tuple[int, ...]
    sigmas: tuple[float, ...]
    input_wh: tuple[int, int] | None = None
    padding: float = PADDING

    @classmethod
    def of(
        cls,
        metainfo: Mapping[str, Any],
        input_wh: tuple[int, int] | None = None,
        padding: float = PADDING,
    ) -> 'Skeleton':
        """Makes a skeleton from the metainfo of a dataset, as parsed by mmpose."""
        names = metainfo['keypoint_id2name']
        return cls(
            dataset=metainfo['dataset_name'],
            names=tuple(names[i] for i in range(len(names))),
            links=tuple((int(a), int(b)) for a, b in metainfo['skeleton_links']),
            flips=tuple(int(i) for i in metainfo['flip_indices']),
            # mmpose stores sigmas=None, which means that there are none, as one NaN.
            sigmas=tuple(float(s) for s in np.ravel(metainfo['sigmas']) if np.isfinite(s)),
            input_wh=input_wh,
            padding=padding,
        )

    @property
    def sides(self) -> tuple[int, ...]:
        """``LEFT``, ``RIGHT`` or ``MIDDLE`` for every keypoint.

        The side is taken from the name. If the names of a pair have no side, the first keypoint of
        the pair is right: in the usual orders of a face's keypoints, its right half comes first.
        """
        return tuple(self._side(i) for i in range(len(self.names)))

    def _side(self, number: int) -> int:
        other = self.flips[number]
        if other == number:
            return MIDDLE
        words = {word.lower() for word in re.findall('[A-Z]?[a-z]+|[A-Z]+', self.names[number])}
        if {'left', 'l'} & words:
            return LEFT
        if {'right', 'r'} & words:
            return RIGHT
        return RIGHT if number < other else LEFT
