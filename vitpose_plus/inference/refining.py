"""The stages of films: tracking, marks of jumps, and the options ``smooth`` and ``fill``."""

from collections.abc import Callable, Iterator
from typing import Any

from vitpose_plus.errors import UserError
from vitpose_plus.inference.filling import Filling
from vitpose_plus.inference.jumps import Jumps
from vitpose_plus.inference.results import Result
from vitpose_plus.inference.smoothing import SMOOTHERS, Smoother

Track = Callable[[Iterator[Result]], Iterator[Result]]


class Refinement:
    """Fills the gaps of tracks, and then smooths their keypoints.

    Args:
        smooth: A name in ``SMOOTHERS``, or a smoother; None does not smooth.
        fill: The number of frames in the longest gap that is filled; 0 fills no gap.

    Raises:
        UserError: An argument is wrong.
    """

    def __init__(self, smooth: str | Smoother | None, fill: int) -> None:
        if not isinstance(fill, int) or fill < 0:
            raise UserError(
                f'The longest gap to fill, {fill!r}, is wrong: give a number of frames, 0 or more.'
            )
        self.smoother = _smoother_of(smooth)
        self.fill = fill

    def __call__(self, results: Iterator[Result]) -> Iterator[Result]:
        """Yields results with ids, filled and smoothed, in the same order."""
        filled = Filling(self.fill)(results) if self.fill else results
        return self.smoother(filled) if self.smoother else filled

    def describe(self) -> dict[str, Any]:
        """Returns the used settings for the manifest."""
        smooth = dict(smooth=self.smoother.describe()) if self.smoother else {}
        return smooth | (dict(fill=self.fill) if self.fill else {})


class Stages:
    """All stages of a stream of results: tracking, marks of jumps, filling and smoothing.

    Args:
        track: The tracking stage; None: no tracking.
        refine: The stages that need ids.
        has_ids: Whether the instances of films have ids without tracking.

    Raises:
        UserError: A stage needs ids, and there are none.
    """

    def __init__(self, track: Track | None, refine: Refinement, has_ids: bool) -> None:
        self.track, self.refine = track, refine
        self.jumps = Jumps() if has_ids or track else None
        if refine.describe() and not self.jumps:
            raise UserError(
                '--smooth and --fill need the ids of tracks: add --track (track=... in Python), '
                'or, for films of one animal, use --boxes refine.'
            )

    def __call__(self, results: Iterator[Result]) -> Iterator[Result]:
        """Yields the results of all stages, in the same order."""
        for stage in filter(None, (self.track, self.jumps)):
            results = stage(results)
        return self.refine(results)

    def describe(self) -> dict[str, Any]:
        """Returns the used settings for the manifest."""
        jumps = dict(jumps=self.jumps.describe()) if self.jumps else {}
        return dict(track=self.track and self.track.describe()) | jumps | self.refine.describe()


def _smoother_of(given: str | Smoother | None) -> Smoother | None:
    if given is None or isinstance(given, Smoother):
        return given
    if given not in SMOOTHERS:
        raise UserError(f'There is no smoother {given!r}: give {" or ".join(SMOOTHERS)}.')
    return SMOOTHERS[given]()
