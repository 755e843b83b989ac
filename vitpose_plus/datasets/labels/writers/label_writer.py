"""The base class of the writers of labels for labelling tools."""

import json
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np

from vitpose_plus.datasets.labels.boxes import BoxesFromFile
from vitpose_plus.datasets.labels.model import LabelledInstance, Labels
from vitpose_plus.datasets.labels.writing import DECIMALS
from vitpose_plus.files import replacing

BOXES = BoxesFromFile()  # a person also corrects the boxes, so they are written as they are


class LabelWriter(ABC):
    """Writes labels, for example predicted ones, for a tool in which a person corrects them.

    ``read_labels`` reads the corrected labels: the folder again, or the file that the tool exports.
    """

    @abstractmethod
    def write(self, labels: Labels, folder: Path, category: str) -> None:
        """Writes the label files into a folder that has no other label files.

        Coordinates are rounded to a thousandth of a pixel, and boxes are clipped to the picture.

        Args:
            labels: The labels. All pictures are below the folder. Every instance has a box and a
                labelled keypoint. Labelled keypoints are inside the picture, because
                ``read_labels`` refuses others.
            folder: The folder of the pictures.
            category: The name of the animal or object.

        Raises:
            UserError: An instance has no box, or the format cannot store these labels.
        """

    @abstractmethod
    def advice(self, folder: Path) -> str:
        """Says how the tool opens the files, and what is read after the correction.

        Args:
            folder: The folder of ``write``, where the user finds it.
        """


def rounded_box(instance: LabelledInstance, size_wh: tuple[int, int]) -> list[float]:
    """The box x, y, width, height in pixels, inside the picture."""
    return np.round(BOXES.box(instance, size_wh), DECIMALS).tolist()


def named_points(labels: Labels, instance: LabelledInstance) -> list[tuple[str, float, float]]:
    """Name, x and y in pixels of the labelled keypoints."""
    points = np.round(instance.points, DECIMALS).tolist()
    return [(name, x, y) for name, (x, y, v) in zip(labels.names, points, strict=True) if v]


def write_json(path: Path, content: Any) -> None:
    with replacing(path) as part:
        text = json.dumps(content, ensure_ascii=False, indent=2)
        part.write_text(text, encoding='utf-8')
