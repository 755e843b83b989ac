"""A picture that is known by name, and decoded when it is asked for."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np


@dataclass
class Picture(ABC):
    """A picture or frame of a source.

    Attributes:
        source: As the results name it.
        place: Its path below the folder of drawn pictures; of no two pictures the same.
        frame: Number of the frame in a film, from 0; None for a picture.
        time: Of the frame in seconds; None for a picture.
    """

    source: str
    place: PurePosixPath
    frame: int | None = None
    time: float | None = None

    @abstractmethod
    def read(self) -> np.ndarray:
        """BGR (height, width, 3), 0..255, as it is shown (turned as EXIF says).

        Raises:
            UserError: It cannot be read, in one sentence that names it.
        """
