"""A picture that is decoded only when ``read`` is called."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from fractions import Fraction
from pathlib import PurePosixPath

import numpy as np


@dataclass
class Picture(ABC):
    """A picture or frame of a source.

    Attributes:
        source: The name of the picture in the results.
        place: The path of the drawn picture below its folder; each picture has a different path.
        frame: Number of the frame in a film, from 0; None for a picture.
        time: Time of the frame in seconds; None for a picture.
        time_base: The unit of the film's times, in seconds; None for a picture.
        number: The number of its entry among all entries of all sources, from 0.
    """

    source: str
    place: PurePosixPath
    frame: int | None = None
    time: float | None = None
    time_base: Fraction | None = None
    number: int = 0

    @property
    def file_name(self) -> str:
        """The name of the picture in files of boxes and annotations."""
        return self.source

    @abstractmethod
    def read(self) -> np.ndarray:
        """Returns BGR (height, width, 3), 0..255, as it is shown (rotated according to EXIF).

        Raises:
            UserError: The picture cannot be read. The message is one sentence with its name.
        """
