"""``predictions.ndjson``: the lines themselves."""

from pathlib import Path

from vitpose_plus.inference.formats.format import Format, Predictions


class NdjsonFormat(Format):
    """The record from which all other formats are made; it exists already."""

    @classmethod
    def names(cls) -> tuple[str, ...]:
        return ()

    def write(self, predictions: Predictions, folder: Path) -> None:
        """Does nothing: ``PredictionFolder`` has written the record already."""
