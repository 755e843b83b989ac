"""Writes the pictures and films with poses."""

from pathlib import Path

from vitpose_plus.inference.film_writing import FilmWriter
from vitpose_plus.inference.results import Result
from vitpose_plus.inference.writing import write_picture


class Drawings:
    """Writes the drawn pictures of results, and joins the frames of a film to a film.

    Results must be in the order of the sources: a film is finished when the next source starts.

    Args:
        folder: The folder of all drawn pictures and films.
        score: Keypoints with a higher score are drawn.
    """

    def __init__(self, folder: Path, score: float) -> None:
        self.folder = folder
        self.score = score
        self.film: FilmWriter | None = None

    def add(self, result: Result) -> None:
        path, image = self.folder / result.place, result.drawn(self.score)
        if self.film is not None and self.film.path != path:
            self.close()
        if result.frame is None:
            write_picture(path, image)
            return
        if self.film is None:
            self.film = FilmWriter(path, (result.width, result.height), result.time_base)
        try:
            self.film.add(image, result.time)
        except BaseException as error:
            self.film, film = None, self.film
            film.discard(error)
            raise

    def close(self) -> None:
        """Finishes the last film."""
        film, self.film = self.film, None
        if film is not None:
            film.close()
