"""``predictions.ndjson``: the lines themselves."""

from pathlib import Path

from vitpose_plus.inference.formats.format import Format, Predictions


class NdjsonFormat(Format):
    """The record that all other formats are made from, which is always there already."""

    def names(self) -> tuple[str, ...]:
        return ()

    def write(self, predictions: Predictions, folder: Path) -> None:
        """Nothing: the predictor writes the record, line by line."""
