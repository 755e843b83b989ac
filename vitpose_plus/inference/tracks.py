"""The tracks of one dataset in a film.

Shapes: N instances of the dataset in a frame.
"""

from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from vitpose_plus.inference.instances import Instance

if TYPE_CHECKING:
    from trackers import ByteTrackTracker
    from trackers.core.bytetrack.tracklet import ByteTrackTracklet

# The minimum of the distance IoU (-1..1) between the predicted box of a track and its next box.
# Below 0, small and fast figures whose boxes do not overlap from frame to frame keep their id.
MIN_SIMILARITY = -0.1
# A track has its first id in its second frame. The id is then also set in the frames before, in up
# to HELD frames. From one frame to the next, these boxes have the IoU SAME or more.
HELD = 10
SAME = 0.5
# The unit of time of the motion model, in frames per second, and not the frame rate of the film: it
# gets time stamps. Lower frame rates then have more freedom for changes of speed.
RATE = 30
# A lost track ends after LEAVING_LOST seconds if its box touches the border of the frame (within
# BORDER pixels) and would be outside in LEAVING seconds at its speed.
LEAVING_LOST = 0.3
LEAVING = 2.0
BORDER = 4
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
        self._earlier: deque[list[Instance]] = deque(maxlen=HELD)  # of the last frames, in order

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
        self._earlier.append(instances)
        # Else a figure that enters near the place where another one left would continue its track.
        self._tracker.tracks = [
            track for track in self._tracker.tracks if not _has_left(track, np.array(wh))
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
        """Sets the ids of new tracks in the frames before.

        The library does not return which box started a track. The predicted box of a new track is
        its first box, so the same assignment as the library's finds the first box again.
        """
        from scipy.optimize import linear_sum_assignment

        before = _free(self._earlier[-1]) if self._earlier else []
        starting = [each for each in before if each.box_score >= self._start_score]
        similarity = self._tracker.iou.compute(_boxes(starting), _boxes(confirmed))
        for row, column in zip(*linear_sum_assignment(similarity, maximize=True), strict=True):
            if similarity[row, column] >= MIN_SIMILARITY:
                self._extend(starting[row], confirmed[column].id)

    def _extend(self, first: Instance, id: int) -> None:
        """Sets the id of the first box of a track, and of the boxes before it with low scores."""
        from trackers import IoU

        first.id = id
        for instances in list(self._earlier)[-2::-1]:
            free = _free(instances)
            overlap = IoU().compute(_boxes([first]), _boxes(free))[0]
            if overlap.max(initial=0) < SAME:
                return
            first = free[overlap.argmax()]
            first.id = id


def _free(instances: list[Instance]) -> list[Instance]:
    """The instances that belong to no track."""
    return [each for each in instances if each.id is None]


def _has_left(track: 'ByteTrackTracklet', wh: np.ndarray) -> bool:
    """Whether the figure of a track has left a frame of the width and height (2,).

    A detector misses figures of which a small part is in the frame. So a lost track has also left
    if it touched the border and moved out of the frame.
    """
    box, speed = np.reshape(track.state_estimator.kf.state, (2, 4))  # speed: pixels per 1 / RATE s
    if not _is_inside(box, wh):
        return True
    if track.time_since_update_seconds <= LEAVING_LOST:
        return False
    touches = (box[:2] < BORDER).any() or (box[2:] > wh - 1 - BORDER).any()
    return bool(touches) and not _is_inside(box + LEAVING * RATE * speed, wh)


def _is_inside(box: np.ndarray, wh: np.ndarray) -> bool:
    """Whether a part of a box (4,) is in the frame.

    The predicted box of a figure that leaves gets narrower, until its width is negative.
    """
    low, high = np.reshape(box, (2, 2))
    return bool((np.minimum(high, wh) - np.maximum(low, 0) >= 0).all())


def _boxes(instances: list[Instance]) -> np.ndarray:
    """The boxes (N, 4) of N instances."""
    return np.array([each.box for each in instances], np.float64).reshape(-1, 4)
