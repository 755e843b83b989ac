"""Gives every person and animal of a film an id that stays the same from frame to frame."""

from abc import abstractmethod
from collections import deque
from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING, Any

from vitpose_plus.errors import needing
from vitpose_plus.inference.defaults import START_SCORE
from vitpose_plus.inference.duplicates import NearDuplicates
from vitpose_plus.inference.results import Result
from vitpose_plus.inference.stages import Stage
from vitpose_plus.inference.tracks import HELD, MIN_SIMILARITY, RATE, Tracks

if TYPE_CHECKING:
    from trackers import ByteTrackTracker


def check_installed() -> None:
    """Raises a ``UserError`` if the package for tracking is missing."""
    with needing('trackers', 'predict', 'Tracking (--track)'):
        import trackers  # noqa: F401


class Tracking(Stage):
    """A stage on a stream of results: it sets ``Instance.id`` in the frames of films.

    The order of the results and of their instances stays; instances may be left out. Pictures are
    not changed. The ids of every film begin with 1, and no id is used twice in a film.
    """

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """Returns the settings, for the manifest."""


class ByteTracking(Tracking):
    """Tracks boxes with ByteTrack (Zhang et al., ECCV 2022), as in the library ``trackers``.

    Near duplicates are removed first. Every dataset has its own tracks, so that a person and an
    animal cannot swap their ids. The motion of a box is predicted with the times of the frames. An
    instance that is seen in only one frame, or that has a low score and belongs to no track, has
    the id None. Frames are yielded ten frames later than they arrive: when a track starts, its id
    is also set in the frames before, in which its boxes had low scores.

    Args:
        start_score: Boxes with a lower score extend a track, but start none. Use 0 for bottom-up
            models: the score of their instances is the mean score of the keypoints.
        lost_seconds: If an instance is missing for this time or less, it keeps its id. The track
            ends earlier if its predicted box leaves the picture. It ends after 0.3 seconds if the
            box touches the border and would be outside the picture in 2 seconds.

    Raises:
        UserError: The package ``trackers`` is missing.
    """

    def __init__(self, start_score: float = START_SCORE, lost_seconds: float = 1) -> None:
        check_installed()
        self.start_score = start_score
        self.lost_seconds = lost_seconds
        self.duplicates = NearDuplicates()

    def describe(self) -> dict[str, Any]:
        return dict(
            method='bytetrack',
            start_score=self.start_score,
            lost_seconds=self.lost_seconds,
            duplicates=self.duplicates.describe(),
        )

    def film(self, frames: Iterator[Result]) -> Iterator[Result]:
        held: deque[Result] = deque()
        clock, ids = _Clock(), count(1)
        tracks: dict[str, Tracks] = {}  # dataset -> its tracks
        for result in self.duplicates.film(frames):
            if result.frame is None:  # a picture
                yield result
                continue
            time = clock(result.time)
            # A dataset without instances in this frame also needs the frame: its tracks are lost.
            for name in dict.fromkeys([*tracks, *(each.dataset for each in result.instances)]):
                if name not in tracks:
                    tracks[name] = Tracks(self._tracker(), self.start_score, ids)
                own = [each for each in result.instances if each.dataset == name]
                tracks[name].add(own, time, (result.width, result.height))
            held.append(result)
            if len(held) > HELD:
                yield held.popleft()
        yield from held

    def _tracker(self) -> 'ByteTrackTracker':
        from trackers import ByteTrackTracker, DIoU

        return ByteTrackTracker(
            lost_track_buffer=round(RATE * self.lost_seconds),
            frame_rate=RATE,
            track_activation_threshold=self.start_score,
            high_conf_det_threshold=self.start_score,
            minimum_consecutive_frames=2,
            minimum_iou_threshold=MIN_SIMILARITY,
            iou=DIoU(),
        )


class _Clock:
    """Converts the times of a film to seconds that begin near 0 and always increase.

    The library skips a frame whose time does not increase. A damaged film can have such times, and
    the time may be missing; such a frame counts as ``1 / RATE`` seconds.
    """

    def __init__(self) -> None:
        self._now = 0.0
        self._last: float | None = None

    def __call__(self, time: float | None) -> float:
        known = time is not None and self._last is not None
        step = time - self._last if known else 0
        self._now += step if step > 0 else 1 / RATE
        self._last = time
        return self._now
