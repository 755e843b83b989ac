"""``predictions.parquet``: one row for each keypoint."""

from importlib import import_module
from pathlib import Path

from vitpose_plus.errors import needing
from vitpose_plus.files import replacing
from vitpose_plus.inference.formats.format import Format, Predictions
from vitpose_plus.inference.iterating import groups
from vitpose_plus.inference.tables import rows, to_df

NAME = 'predictions.parquet'
ROWS = 2**14  # in a row group; only one group is in memory at a time, with 40 MB


class ParquetFormat(Format):
    """Writes the rows and columns of ``predictions.csv`` with types, compressed by Zstandard.

    pandas reads the file as the table of ``to_df``. Repeated names are stored once for each group
    of rows.

    Raises:
        UserError: pyarrow or pandas is missing.
    """

    def __init__(self) -> None:
        for package in ('pyarrow.parquet', 'pandas'):
            with needing(package.partition('.')[0], 'tables', '--format parquet'):
                import_module(package)

    @classmethod
    def names(cls) -> tuple[str, ...]:
        return (NAME,)

    def write(self, predictions: Predictions, folder: Path) -> None:
        from pyarrow import RecordBatch, Schema, array
        from pyarrow.parquet import ParquetWriter

        # The schema also has the types of pandas, for example integers that may be missing.
        schema = Schema.from_pandas(to_df([], predictions.skeletons), preserve_index=False)
        table = rows(predictions.lines, predictions.skeletons)
        with (
            replacing(folder / NAME) as new,
            ParquetWriter(new, schema, compression='zstd') as writer,
        ):
            for group in groups(table, ROWS):
                columns = map(array, zip(*group, strict=True), schema.types)
                writer.write_batch(RecordBatch.from_arrays(list(columns), schema=schema))
