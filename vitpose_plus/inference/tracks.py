"""The tracks of one dataset in a film.

Shapes: N instances of the dataset in a frame.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from vitpose_plus.inference.instances import Instance

if TYPE_CHECKING:
    from trackers import ByteTrackTracker

# The minimum of the distance IoU (-1..1) between the predicted box of a track and its next box.
# Below 0, small and fast figures whose boxes do not overlap from frame to frame keep their id.
MIN_SIMILARITY = -0.1
HELD = 1  # frames; a track has its first id in its second frame, and the id is set in the first too
ROW = 'row'


class Tracks:
    """The tracks of the instances of one dataset in a film.

    Args:
        tracker: The tracker of the library.
        start_score: The minimum score of the first box of a track.
        ids: The ids that are not used yet; all datasets of a film share them.
    """

    def __init__(self, tracker: 'ByteTrackTracker', start_score: float, ids: Iterator[int]) -> None:
        self._tracker = tracker
        self._start_score = start_score
        self._ids = ids
        self._id_of: dict[int, int] = {}  # the library's number of a track -> its id
        self._starting: list[Instance] = []  # in the last frame: instances that may start a track

    def add(self, instances: list[Instance], time: float, wh: tuple[int, int]) -> None:
        """Adds all N instances of a frame, and sets their ids.

        Args:
            instances: The instances of the dataset.
            time: The time of the frame, in seconds.
            wh: The width and height of the frame, in pixels.
        """
        confirmed = []
        for instance, number in zip(instances, self._numbers(instances, time), strict=True):
            if number < 0:  # it belongs to no track, or starts one
                instance.id = None
                continue
            if number not in self._id_of:
                self._id_of[number] = next(self._ids)
                confirmed.append(instance)
            instance.id = self._id_of[number]
        self._fill(confirmed)
        self._starting = [
            each for each in instances if each.id is None and each.box_score >= self._start_score
        ]
        # Else a figure that enters near the place where another one left would continue its track.
        self._tracker.tracks = [
            track for track in self._tracker.tracks if _is_inside(track.get_state_bbox(), wh)
        ]
        alive = {track.tracker_id for track in self._tracker.tracks}
        self._id_of = {number: id for number, id in self._id_of.items() if number in alive}

    def _numbers(self, instances: list[Instance], time: float) -> np.ndarray:
        """The library's numbers of the tracks of N instances (N,); -1 for no track.

        The library changes the order of the boxes, so each box carries its row.
        """
        from supervision import Detections

        boxes = Detections(
            xyxy=_boxes(instances),
            confidence=np.array([each.box_score for each in instances], np.float64),
            data={ROW: np.arange(len(instances))},
        )
        found = self._tracker.update(boxes, timestamp=time)
        numbers = np.full(len(instances), -1)
        if len(found):
            numbers[found.data[ROW]] = found.tracker_id
        return numbers

    def _fill(self, confirmed: list[Instance]) -> None:
        """Sets the ids of new tracks in the frame before, in which the tracks started.

        The library does not return which box started a track. The predicted box of a new track is
        its first box, so the same assignment as the library's finds the first box again.
        """
        from scipy.optimize import linear_sum_assignment

        similarity = self._tracker.iou.compute(_boxes(self._starting), _boxes(confirmed))
        for row, column in zip(*linear_sum_assignment(similarity, maximize=True), strict=True):
            if similarity[row, column] >= MIN_SIMILARITY:
                self._starting[row].id = confirmed[column].id


def _is_inside(box: np.ndarray, wh: tuple[int, int]) -> bool:
    """Whether a part of a box (4,) is in the frame.

    The predicted box of a figure that leaves gets narrower, until its width is negative.
    """
    low, high = np.reshape(box, (2, 2))
    return bool((np.minimum(high, wh) - np.maximum(low, 0) >= 0).all())


def _boxes(instances: list[Instance]) -> np.ndarray:
    """The boxes (N, 4) of N instances."""
    return np.array([each.box for each in instances], np.float64).reshape(-1, 4)
