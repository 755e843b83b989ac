"""The formats of predictions: one class for each name on the command line."""

from vitpose_plus.inference.formats.coco import CocoFormat
from vitpose_plus.inference.formats.csv_table import CsvFormat
from vitpose_plus.inference.formats.dlc import DeepLabCutFormat
from vitpose_plus.inference.formats.format import Format, Predictions
from vitpose_plus.inference.formats.ndjson import NdjsonFormat
from vitpose_plus.inference.formats.openpose import OpenPoseFormat
from vitpose_plus.inference.formats.parquet import ParquetFormat

FORMATS: dict[str, type[Format]] = {
    'ndjson': NdjsonFormat,
    'csv': CsvFormat,
    'parquet': ParquetFormat,
    'coco': CocoFormat,
    'dlc': DeepLabCutFormat,
    'openpose': OpenPoseFormat,
}

__all__ = ['FORMATS', 'Format', 'Predictions']
