"""The two kinds of uploads: pictures and films."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator

from vitpose_plus.app.answers import FILM_COLUMNS, PICTURE_COLUMNS
from vitpose_plus.app.boxes import GivenBoxes
from vitpose_plus.app.choices import HAND
from vitpose_plus.app.limits import Limits
from vitpose_plus.app.uploads import Upload, UploadedFilm, UploadedPicture
from vitpose_plus.errors import UserError
from vitpose_plus.inference.items import Failure
from vitpose_plus.inference.prediction import raise_failure
from vitpose_plus.inference.results import Result
from vitpose_plus.inference.sources.source import Source

Predict = Callable[[Callable[[Failure], None]], Iterator[Result]]


class Medium(ABC):
    """A kind of uploads.

    Attributes:
        source: The source of its pictures.
        columns: The columns of its table.
        ending: The ending of the file with the lines of ``predictions.ndjson``.
    """

    source: type[Source]
    columns: tuple[str, ...]
    ending: str

    @staticmethod  # noqa: B027  by default, no check
    def check_boxes(given: GivenBoxes) -> None:
        """Raises a ``UserError`` if boxes of this kind are not possible."""

    @staticmethod
    @abstractmethod
    def check(upload: Upload, limits: Limits) -> None:
        """Raises a ``UserError`` if the upload exceeds the limits, or is of another kind."""

    @staticmethod
    @abstractmethod
    def results(predict: Predict, name: str, limits: Limits, notes: list[str]) -> Iterator[Result]:
        """Yields the results, of which there is at least one.

        Args:
            predict: Yields results, and calls its argument for each picture that fails.
            name: The name of the upload.
            limits: The limits of the page.
            notes: Gets a sentence for each failure that does not stop the prediction.

        Raises:
            UserError: Nothing can be predicted.
        """


class PictureMedium(Medium):
    """A picture. Its line is a JSON file."""

    source = UploadedPicture
    columns = PICTURE_COLUMNS
    ending = '.json'

    @staticmethod
    def check(upload: Upload, limits: Limits) -> None:
        limits.check_picture(upload.path, upload.name)

    @staticmethod
    def results(predict: Predict, name: str, limits: Limits, notes: list[str]) -> Iterator[Result]:
        yield from predict(raise_failure)


class FilmMedium(Medium):
    """A film. Its lines are an ndjson file."""

    source = UploadedFilm
    columns = FILM_COLUMNS
    ending = '.ndjson'

    @staticmethod
    def check_boxes(given: GivenBoxes) -> None:
        if not isinstance(given, str | None) or given == HAND:
            raise UserError(
                'Boxes can be drawn by hand in pictures only: choose other boxes for a film.'
            )

    @staticmethod
    def check(upload: Upload, limits: Limits) -> None:
        limits.check_film(upload.path, upload.name)

    @staticmethod
    def results(predict: Predict, name: str, limits: Limits, notes: list[str]) -> Iterator[Result]:
        predicted = limits.checked(predict(lambda failure: notes.append(failure.error)), name)
        first = next(predicted, None)
        if first is None:
            raise UserError(notes[0])
        yield first
        yield from predicted
