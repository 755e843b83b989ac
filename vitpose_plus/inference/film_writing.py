"""Writes films with poses: H.264, with the times of the source (PyAV)."""

from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from vitpose_plus import files
from vitpose_plus.encoding import encoding

CRF = 20  # visually near the source


class FilmWriter:
    """Writes one film, which has its name only when it is complete.

    Args:
        path: The path of the mp4 file.
        size_wh: The width and height of the frames, in pixels.
        time_base: The unit of the times, in seconds.

    Raises:
        UserError: PyAV is not installed.
        OSError: The file cannot be written.
    """

    def __init__(self, path: Path, size_wh: tuple[int, int], time_base: Fraction) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path, self.size_wh, self.time_base = path, size_wh, time_base
        even_wh = tuple(side + side % 2 for side in size_wh)
        self.stack = ExitStack()
        new = self.stack.enter_context(files.replacing(path))
        self.encode = self.stack.enter_context(encoding(new, even_wh, time_base, CRF))

    def add(self, image: np.ndarray, time: float) -> None:
        """Adds a frame: BGR (height, width, 3) and its time in seconds, later than all before."""
        width, height = self.size_wh
        if image.shape[:2] != (height, width):
            image = cv2.resize(image, self.size_wh, interpolation=cv2.INTER_AREA)
        image = cv2.copyMakeBorder(image, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
        self.encode(image, round(time / self.time_base))

    def close(self) -> None:
        """Writes the rest, and gives the film its name."""
        self.stack.close()

    def discard(self, error: BaseException) -> None:
        """Removes the unfinished film, after an error."""
        self.stack.__exit__(type(error), error, error.__traceback__)
