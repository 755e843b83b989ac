"""Predicts one animal without a detector: the whole picture, and then the box of its keypoints."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from typing import Any

import numpy as np
import torch
from torchvision.ops import box_iou

from vitpose_plus.datasets.labels.boxes import MARGIN, box_of_points
from vitpose_plus.errors import UserError
from vitpose_plus.inference.boxes.source import Boxes
from vitpose_plus.inference.defaults import SCORE
from vitpose_plus.inference.following import MIN_KEYPOINTS, MIN_SIDE
from vitpose_plus.inference.instances import Instance
from vitpose_plus.inference.items import Item
from vitpose_plus.inference.iterating import ahead
from vitpose_plus.inference.prediction import Prediction

ID = 1  # there is one animal, so its id is the same in all frames
# A frame begins again with the whole picture if its mean score is below ``SCORE``, or below LOST
# times the median of the last MEMORY frames: the usual score depends on the model and the film.
LOST = 0.6
MEMORY = 100
# It also begins again if the box around its keypoints and the box of its crop have a smaller IoU.
# If the animal has left the crop in part, the scores may be as high as usual, but the keypoints
# stay inside the crop. Training covers boxes down to this value: the sides of a box are scaled by
# 0.7 to 1.4 (IoU 0.5), or the box is moved by 15 % of its sides (IoU 0.57).
SAME = 0.5


class RefiningPrediction(Prediction):
    """Predicts the whole picture, and then the crop of the box around the predicted keypoints.

    The result is the second prediction and its box, made by the rule of the boxes of training.
    Every picture has two looks of its own. A frame of a film has one look, at the box around the
    keypoints of the frame before. It has two looks in addition if its scores fall, if its keypoints
    do not fit the box, or if the keypoints before left the picture. If only the scores fall, the
    result with the higher scores is used. The instances of films have one constant id.

    Args:
        every: The value of ``--detect-every``, which must be 1.
        arguments: The other arguments of ``Prediction``.

    Raises:
        UserError: ``every`` is not 1.
    """

    has_ids = True

    def __init__(self, *arguments: Any, every: int) -> None:
        super().__init__(*arguments)
        if every != 1:
            raise UserError(
                '--detect-every is for detectors, and --boxes refine uses none: leave out '
                '--detect-every.'
            )

    def describe(self) -> dict[str, Any]:
        own = dict(margin=MARGIN, min_score=SCORE, min_iou=SAME)
        own |= dict(min_share_of_median=LOST, median_of=MEMORY)
        return super().describe() | dict(refine=own)

    def _settled(
        self, read: Iterable[Item], pool: ThreadPoolExecutor, threads: int
    ) -> Iterator[Item]:
        for is_film, items in groupby(read, lambda item: item.picture.frame is not None):
            look = self._frames if is_film else self._pictures
            yield from look(items, pool, threads)

    def _pictures(
        self, items: Iterable[Item], pool: ThreadPoolExecutor, threads: int
    ) -> Iterator[Item]:
        """Both looks have batches of several pictures."""
        first = super()._settled(items, pool, threads)
        return self._posed(ahead(pool, self._look_closer, first, threads))

    def _look_closer(self, item: Item) -> Item:
        if not item.is_new or item.failure:
            return item
        [instance] = item.instances
        item.look_again(_boxes(box_around(instance, _size_wh(item))))
        return self._prepare(item)

    def _frames(self, items: Iterable[Item], *_: Any) -> Iterator[Item]:
        for _, frames in groupby(items, lambda item: item.picture.number):
            film = _Film()
            for item in frames:
                if not item.is_settled:
                    self._predict(item, film)
                # As in the journal, so that a resumed run has the same boxes.
                film.add([Instance.from_dict(one.to_dict()) for one in item.instances or ()])
                yield item

    def _predict(self, item: Item, film: '_Film') -> None:
        found = []
        if film.last and not has_left(film.last, _size_wh(item)):
            followed = self._look(item, box_around(film.last, _size_wh(item)))
            found += [one for one in followed if fits(one, _size_wh(item))]
        if not found or film.is_lost(found[0]):
            for first in self._look(item, whole(_size_wh(item))):
                found += self._look(item, box_around(first, _size_wh(item)))
        if not item.failure:
            item.instances = [max(found, key=_mean_score)]
            item.instances[0].id = ID

    def _look(self, item: Item, box: np.ndarray) -> list[Instance]:
        """Predicts the crop of one box (4,); the list is empty if that fails."""
        item.look_again(_boxes(box))
        self._prepare(item)
        queue = deque((item, job) for job in item.jobs)
        while queue:
            self._run_first(queue)
        return item.instances or []


class _Film:
    """The results of the frames of a film so far: the last one, and the scores."""

    def __init__(self) -> None:
        self.last: Instance | None = None
        self._scores: deque[float] = deque(maxlen=MEMORY)

    def add(self, instances: list[Instance]) -> None:
        """Adds a frame, with one instance or none."""
        self.last = next(iter(instances), None)
        self._scores.extend(map(_mean_score, instances))

    def is_lost(self, instance: Instance) -> bool:
        """Whether the scores of the next frame are so low that its box may be wrong."""
        return _mean_score(instance) < max(SCORE, LOST * np.median(self._scores))


def box_around(instance: Instance, size_wh: tuple[int, int]) -> np.ndarray:
    """The box around the keypoints: x1, y1, x2, y2 (4,), by the rule of the boxes of training.

    It is the whole picture if the keypoints are outside.

    Args:
        instance: The keypoints that score more than ``SCORE`` are used, or all if these are few.
        size_wh: The width and height of the picture in pixels.
    """
    points = _used(instance)
    labelled = np.column_stack([points, np.ones(len(points))])
    x, y, width, height = box_of_points(labelled, size_wh)
    box = np.array([x, y, x + width, y + height])
    return box if min(width, height) >= MIN_SIDE else whole(size_wh)


def has_left(instance: Instance, size_wh: tuple[int, int]) -> bool:
    """Whether none of the used keypoints is inside the picture."""
    points = _used(instance)
    return not ((points >= 0) & (points < size_wh)).all(1).any()


def fits(instance: Instance, size_wh: tuple[int, int]) -> bool:
    """Whether the box around the keypoints is nearly the box of the crop."""
    boxes = np.stack([instance.box, box_around(instance, size_wh)])
    one, other = torch.from_numpy(boxes)[:, None]
    return box_iou(one, other).item() >= SAME


def whole(size_wh: tuple[int, int]) -> np.ndarray:
    """The box of the whole picture: x1, y1, x2, y2 (4,)."""
    return np.array([0, 0, *size_wh])


def _used(instance: Instance) -> np.ndarray:
    """The keypoints (N, 2) that show where the animal is."""
    visible = instance.scores > SCORE
    return instance.keypoints[visible] if visible.sum() >= MIN_KEYPOINTS else instance.keypoints


def _mean_score(instance: Instance) -> float:
    return float(instance.scores.mean())


def _size_wh(item: Item) -> tuple[int, int]:
    return item.image.shape[1], item.image.shape[0]


def _boxes(box: np.ndarray) -> Boxes:
    """One given box (4,)."""
    return Boxes(xyxy=box[None].astype(np.float32), scores=np.ones(1, np.float32), labels=[None])
