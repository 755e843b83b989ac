"""The stages after tracking that the options ``smooth`` and ``fill`` select."""

from collections.abc import Iterator
from typing import Any

from vitpose_plus.errors import UserError
from vitpose_plus.inference.filling import Filling
from vitpose_plus.inference.results import Result
from vitpose_plus.inference.smoothing import SMOOTHERS, Smoother


class Refinement:
    """Fills the gaps of tracks, and then smooths their keypoints.

    Args:
        smooth: A name in ``SMOOTHERS``, or a smoother; None does not smooth.
        fill: The number of frames in the longest gap that is filled; 0 fills no gap.
        has_tracks: Whether the instances are tracked.

    Raises:
        UserError: An argument is wrong, or there are no tracks.
    """

    def __init__(self, smooth: str | Smoother | None, fill: int, has_tracks: bool) -> None:
        if not isinstance(fill, int) or fill < 0:
            raise UserError(
                f'The longest gap to fill, {fill!r}, is wrong: give a number of frames, 0 or more.'
            )
        self.smoother = _smoother_of(smooth)
        self.fill = fill
        if self.describe() and not has_tracks:
            raise UserError(
                '--smooth and --fill need the ids of tracks: add --track (track=... in Python).'
            )

    def __call__(self, results: Iterator[Result]) -> Iterator[Result]:
        """Yields the results of a tracking stage, filled and smoothed, in the same order."""
        filled = Filling(self.fill)(results) if self.fill else results
        return self.smoother(filled) if self.smoother else filled

    def describe(self) -> dict[str, Any]:
        """Returns the used settings for the manifest."""
        smooth = dict(smooth=self.smoother.describe()) if self.smoother else {}
        return smooth | (dict(fill=self.fill) if self.fill else {})


def _smoother_of(given: str | Smoother | None) -> Smoother | None:
    if given is None or isinstance(given, Smoother):
        return given
    if given not in SMOOTHERS:
        raise UserError(f'There is no smoother {given!r}: give {" or ".join(SMOOTHERS)}.')
    return SMOOTHERS[given]()
