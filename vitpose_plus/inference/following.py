"""Follows people and animals from frame to frame, so that the detector runs only now and then."""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from vitpose_plus.errors import UserError
from vitpose_plus.inference.assignment import ByLabel
from vitpose_plus.inference.boxes.source import Boxes
from vitpose_plus.inference.defaults import SCORE
from vitpose_plus.inference.instances import Instance
from vitpose_plus.inference.items import Item
from vitpose_plus.inference.prediction import Prediction

# The keypoints of a person do not reach the ends of the body (head, hands, feet).
ENLARGED = 1.25  # width and height of a box, compared with the box around the keypoints
MIN_KEYPOINTS = 3  # an instance with fewer keypoints above ``SCORE`` is lost
MIN_SIDE = 2  # pixels


class FollowingPrediction(Prediction):
    """Detects in every N-th frame of a film; other boxes come from the frame before.

    The box of a followed instance is the box around its keypoints in the frame before, enlarged.
    Whoever enters is found at the next detection. Frames are predicted one after the other, so a
    batch has only the instances of one frame.

    Args:
        every: N; 1 detects in every frame.
        arguments: The other arguments of ``Prediction``.

    Raises:
        UserError: The number is wrong, or the model uses no boxes.
    """

    def __init__(self, *arguments: Any, every: int) -> None:
        super().__init__(*arguments)
        if not isinstance(every, int) or every < 1:
            raise UserError(f'--detect-every is {every!r}: give an integer of at least 1.')
        if self.boxes is None:
            raise UserError('A bottom-up model uses no detector: leave out --detect-every.')
        self.every = every
        self._of_datasets = ByLabel({name: name for name in self.skeletons}, self.skeletons)

    def describe(self) -> dict[str, Any]:
        return super().describe() | dict(detect_every=self.every)

    def _settled(self, read: Iterable[Item], *_: Any) -> Iterator[Item]:
        film, number, before = None, 0, []
        for item in read:
            if item.picture.number != film:
                film, number, before = item.picture.number, 0, []
            if not item.is_settled:
                self._predict(item, before if number % self.every else None)
            # As in the journal, so that a resumed run has the same boxes.
            before = [Instance.from_dict(each.to_dict()) for each in item.instances or ()]
            number += 1
            yield item

    def _predict(self, item: Item, before: list[Instance] | None) -> None:
        """Predicts one frame; ``before``: the instances to follow, None to detect."""
        if before is None:
            self._find_boxes([item])
            self._prepare(item)
        else:
            height, width = item.image.shape[:2]
            item.boxes = boxes_around(before, (width, height))
            self._prepare(item, self._of_datasets)
        queue = deque((item, job) for job in item.jobs)
        while queue:
            self._run_first(queue)


def boxes_around(instances: list[Instance], wh: tuple[int, int]) -> Boxes:
    """Returns enlarged boxes around keypoints, inside the picture; the labels are the datasets.

    Instances with few visible keypoints, and those that have left the picture, have no box.

    Args:
        instances: N instances.
        wh: The width and height of the picture in pixels.
    """
    found = [(instance, _box_around(instance, wh)) for instance in instances]
    kept = [(instance, box) for instance, box in found if box is not None]
    return Boxes(
        xyxy=np.array([box for _, box in kept], np.float32).reshape(-1, 4),
        scores=np.array([instance.box_score for instance, _ in kept], np.float32),
        labels=[instance.dataset for instance, _ in kept],
        category_ids=[instance.category_id for instance, _ in kept],
    )


def _box_around(instance: Instance, wh: tuple[int, int]) -> np.ndarray | None:
    """x1, y1, x2, y2 (4,), or None."""
    points = instance.keypoints[instance.scores > SCORE]
    if len(points) < MIN_KEYPOINTS:
        return None
    low, high = points.min(0), points.max(0)
    margin = (ENLARGED - 1) / 2 * (high - low)
    low, high = np.clip(low - margin, 0, wh), np.clip(high + margin, 0, wh)
    return np.concatenate([low, high]) if (high - low >= MIN_SIDE).all() else None
