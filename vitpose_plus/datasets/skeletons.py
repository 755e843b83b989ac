"""What is known of a dataset's keypoints: names, links, and which side of the body they are on."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MIDDLE, LEFT, RIGHT = 0, 1, 2


@dataclass(frozen=True)
class Skeleton:
    """The keypoints of a dataset.

    Attributes:
        dataset: Its name.
        names: Of the K keypoints, in order.
        links: Pairs of numbers of keypoints, from 0, between which a line is drawn.
        flips: K numbers: the keypoint that each becomes in the mirrored picture.
        sigmas: K falloffs of COCO's object keypoint similarity.
        input_wh: Width and height of the model's crops, in pixels; None without crops.
    """

    dataset: str
    names: tuple[str, ...]
    links: tuple[tuple[int, int], ...]
    flips: tuple[int, ...]
    sigmas: tuple[float, ...]
    input_wh: tuple[int, int] | None = None

    @classmethod
    def of(cls, metainfo: Mapping[str, Any], input_wh: tuple[int, int] | None = None) -> 'Skeleton':
        """From the metainfo that mmpose parses of a dataset."""
        names = metainfo['keypoint_id2name']
        return cls(
            dataset=metainfo['dataset_name'],
            names=tuple(names[i] for i in range(len(names))),
            links=tuple((int(a), int(b)) for a, b in metainfo['skeleton_links']),
            flips=tuple(int(i) for i in metainfo['flip_indices']),
            sigmas=tuple(float(sigma) for sigma in metainfo['sigmas']),
            input_wh=input_wh,
        )

    @property
    def sides(self) -> tuple[int, ...]:
        """``LEFT``, ``RIGHT`` or ``MIDDLE`` of every keypoint.

        Told by the names. Of a pair whose names say nothing the first is right: in the usual
        orders of a face's keypoints the right half of the face comes first.
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
