"""The kinds of values of ``--boxes``: one class recognises and opens each kind."""

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vitpose_plus.errors import UserError, reason
from vitpose_plus.inference.boxes.batching import try_once
from vitpose_plus.inference.boxes.coco_files import AnnotatedBoxes, Annotations, DetectedBoxes
from vitpose_plus.inference.boxes.csv_file import CsvBoxes
from vitpose_plus.inference.boxes.detectors import DETECTORS
from vitpose_plus.inference.boxes.given import ArrayBoxes
from vitpose_plus.inference.boxes.hugging_face import TransformersDetector
from vitpose_plus.inference.boxes.mmdet_training import open_work_dir
from vitpose_plus.inference.boxes.mpii_file import MpiiBoxes
from vitpose_plus.inference.boxes.source import BoxSource
from vitpose_plus.inference.boxes.whole import FirstLook, WholePicture

WHOLE, REFINE = 'whole', 'refine'
Given = str | Path | BoxSource | Mapping


@dataclass(frozen=True)
class Options:
    """The options for opening boxes: see ``open_boxes``."""

    annotations: str | None
    device: str
    score: float


class Kind(ABC):
    """A kind of value of ``--boxes``."""

    TAKES_ANNOTATIONS = False

    @staticmethod
    @abstractmethod
    def accepts(given: Given) -> bool: ...

    @staticmethod
    @abstractmethod
    def open(given: Given, options: Options) -> BoxSource: ...


class Opened(Kind):
    """A ``BoxSource``, in Python."""

    @staticmethod
    def accepts(given: Given) -> bool:
        return isinstance(given, BoxSource)

    @staticmethod
    def open(given: Given, options: Options) -> BoxSource:
        return given


class Arrays(Kind):
    """A mapping from pictures to arrays, in Python."""

    @staticmethod
    def accepts(given: Given) -> bool:
        return isinstance(given, Mapping)

    @staticmethod
    def open(given: Given, options: Options) -> BoxSource:
        return ArrayBoxes(given)


class Whole(Kind):
    @staticmethod
    def accepts(given: Given) -> bool:
        return given == WHOLE

    @staticmethod
    def open(given: Given, options: Options) -> BoxSource:
        return WholePicture()


class Refine(Kind):
    """Two looks: the whole picture, and then the box around the keypoints."""

    @staticmethod
    def accepts(given: Given) -> bool:
        return given == REFINE

    @staticmethod
    def open(given: Given, options: Options) -> BoxSource:
        return FirstLook()


class Named(Kind):
    """A released detector."""

    @staticmethod
    def accepts(given: Given) -> bool:
        return given in DETECTORS

    @staticmethod
    def open(given: Given, options: Options) -> BoxSource:
        return DETECTORS[given].open(options.device, options.score)


class TransformersFolder(Kind):
    @staticmethod
    def accepts(given: Given) -> bool:
        return os.path.isfile(os.path.join(given, 'config.json'))

    @staticmethod
    def open(given: Given, options: Options) -> BoxSource:
        detector = TransformersDetector(given, options.device, options.score)
        try_once(detector, given)
        return detector


class WorkDir(Kind):
    """A training folder of mmdet."""

    @staticmethod
    def accepts(given: Given) -> bool:
        return os.path.isdir(given)

    @staticmethod
    def open(given: Given, options: Options) -> BoxSource:
        return open_work_dir(Path(given), options.device, options.score)


class CsvFile(Kind):
    @staticmethod
    def accepts(given: Given) -> bool:
        return os.path.isfile(given) and Path(given).suffix.lower() == '.csv'

    @staticmethod
    def open(given: Given, options: Options) -> BoxSource:
        return CsvBoxes(given)


class JsonFile(Kind):
    """A file of COCO or MPII, recognised by its content."""

    TAKES_ANNOTATIONS = True

    @staticmethod
    def accepts(given: Given) -> bool:
        return os.path.isfile(given)

    @staticmethod
    def open(given: Given, options: Options) -> BoxSource:
        content, names = read_json(given), None
        if isinstance(content, list) and not _is_mpii(content):
            if options.annotations:
                pictures = read_json(options.annotations)
                if isinstance(pictures, dict):  # files of a test split have no annotations
                    pictures.setdefault('annotations', [])
                names = Annotations(options.annotations, pictures)
            return DetectedBoxes(given, content, names)
        if options.annotations:
            raise unexpected_annotations(given)
        return (MpiiBoxes if isinstance(content, list) else AnnotatedBoxes)(given, content)


def read_json(path: str) -> Any:
    """Reads a file; raises a ``UserError`` if it cannot be read, or is not JSON."""
    if not os.path.exists(path):
        raise UserError(f'The file {path} does not exist: check its path.')
    try:
        with open(path, encoding='utf-8-sig') as file:
            return json.load(file)
    except OSError as error:
        raise UserError(f'{path} cannot be read ({error.strerror}): give a file.') from error
    except (ValueError, RecursionError) as error:
        raise UserError(
            f'{path} cannot be read as JSON ({reason(error)}): give a json or csv file of boxes.'
        ) from error


def _is_mpii(content: list) -> bool:
    return bool(content) and isinstance(content[0], dict) and 'center' in content[0]


def unexpected_annotations(given: Given) -> UserError:
    """The error for ``--annotations`` with another kind of boxes than a list of detections."""
    return UserError(
        f'--annotations is only for a list of detections, and {given} is not one: leave out '
        '--annotations.'
    )


# The first class that accepts the given value opens it.
KINDS = (Opened, Arrays, Whole, Refine, Named, TransformersFolder, WorkDir, CsvFile, JsonFile)
