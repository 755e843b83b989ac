"""Writes the pictures and films with poses."""

from pathlib import Path, PurePosixPath

import numpy as np

from vitpose_plus.inference.film_writing import FilmWriter
from vitpose_plus.inference.results import Result
from vitpose_plus.inference.writing import disk_errors, write_picture


class Drawings:
    """Writes the drawn pictures of results, and joins the frames of a film to a film.

    Results must be in the order of the sources: a film is finished when the next source starts, or
    at the end of this context manager. After an error, an unfinished film is removed.

    Args:
        folder: The folder of all drawn pictures and films.
        score: Keypoints with a higher score are drawn.
    """

    def __init__(self, folder: Path, score: float) -> None:
        self.folder = folder
        self.score = score
        self.film: FilmWriter | None = None

    def __enter__(self) -> 'Drawings':
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, *trace) -> None:
        if error is None:
            self._finish_film()
        elif self.film is not None:
            with disk_errors(self.folder):
                self.film.discard(error)

    def _finish_film(self) -> None:
        film, self.film = self.film, None
        if film is not None:
            with disk_errors(self.folder):
                film.close()

    def has(self, place: PurePosixPath) -> bool:
        """Whether the picture or film of this place is complete."""
        return (self.folder / place).exists()

    def add(self, result: Result) -> None:
        """Draws a result.

        Raises:
            RunError: The disk is full.
        """
        path, image = self.folder / result.place, self.image_of(result)
        if self.film is not None and self.film.path != path:
            self._finish_film()
        with disk_errors(self.folder):
            if result.frame is None:
                write_picture(path, image)
                return
            if self.film is None:
                self.film = FilmWriter(path, (result.width, result.height), result.time_base)
            self.film.add(image, result.time)

    def image_of(self, result: Result) -> np.ndarray:
        """Returns the drawn picture: BGR (height, width, 3), 0..255."""
        return result.drawn(self.score)


class NoDrawings(Drawings):
    """Draws nothing."""

    def has(self, place: PurePosixPath) -> bool:
        return True

    def add(self, result: Result) -> None:
        pass
