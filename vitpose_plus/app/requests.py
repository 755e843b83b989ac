"""What a user of the page asks for."""

from collections.abc import Callable
from dataclasses import dataclass

from vitpose_plus.app.boxes import GivenBoxes
from vitpose_plus.inference.defaults import SCORE

Progress = Callable[[int, int | None, str], None]  # done, total (None: not known), sentence


def silent(done: int, total: int | None, sentence: str) -> None:
    """Shows no progress."""


@dataclass(frozen=True)
class Request:
    """What a user chooses on the page.

    Attributes:
        model: One of the service's models.
        dataset: A value of ``PoseService.datasets``.
        boxes: A value of ``PoseService.boxes``; or x1, y1, x2, y2 of each box that is drawn by
            hand, in pixels of the picture as it is shown; None for a bottom-up model.
        score: Keypoints with a higher score are drawn.
        overlay: Whether heatmaps are drawn, too.
        progress: A function that is called with the progress.
    """

    model: str
    dataset: str
    boxes: GivenBoxes = None
    score: float = SCORE
    overlay: bool = False
    progress: Progress = silent
