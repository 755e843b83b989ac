"""What every format of predictions has to do."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vitpose_plus.datasets.skeletons import Skeleton
from vitpose_plus.inference.defaults import SCORE


@dataclass
class Predictions:
    """What a format is made of.

    Attributes:
        lines: The lines of ``predictions.ndjson`` as dicts; they can be gone through several times,
            and are read from the disk each time. All numbers are finite: the record takes no other.
        skeletons: By the dataset's name, in the order of the command line.
        score: Keypoints above this score are taken for seen.
    """

    lines: Iterable[dict[str, Any]]
    skeletons: dict[str, Skeleton]
    score: float = SCORE


class Format(ABC):
    """A way to write predictions, from the lines of ``predictions.ndjson``, in constant memory."""

    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """The files or folders that it writes, relative to the folder of predictions."""

    @abstractmethod
    def write(self, predictions: Predictions, folder: Path) -> None:
        """Writes them into the folder, each whole or not at all."""
