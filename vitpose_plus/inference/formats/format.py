"""The interface of all formats of predictions."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vitpose_plus.datasets.skeletons import Skeleton
from vitpose_plus.inference.defaults import SCORE


@dataclass
class Predictions:
    """The predictions that a format writes.

    Attributes:
        lines: The lines of ``predictions.ndjson`` as dicts. They can be iterated several times,
            and are read from the disk each time. All numbers are finite.
        skeletons: Dataset name -> its keypoints, in the order of the command line.
        score: Keypoints above this score count as visible.
    """

    lines: Iterable[dict[str, Any]]
    skeletons: dict[str, Skeleton]
    score: float = SCORE


class Format(ABC):
    """Writes the lines of ``predictions.ndjson`` in another format, in constant memory.

    The constructor has no arguments. It raises a ``UserError`` if a package is missing.
    """

    @classmethod
    @abstractmethod
    def names(cls) -> tuple[str, ...]:
        """Returns the files or folders of the format, relative to the folder of predictions."""

    @abstractmethod
    def write(self, predictions: Predictions, folder: Path) -> None:
        """Writes the files into the folder; each is written completely or not at all."""
