"""Predictions as labels, and the names of their pictures.

Shapes: K keypoints of the dataset.
"""

from pathlib import Path, PurePosixPath

import numpy as np

from vitpose_plus.datasets.labels.boxes import clipped
from vitpose_plus.datasets.labels.model import LabelledInstance, LabelledPicture
from vitpose_plus.inference.defaults import SCORE
from vitpose_plus.inference.instances import Instance
from vitpose_plus.inference.results import Result


def place_of(result: Result) -> PurePosixPath:
    """The path of a suggested picture below the folder of pictures.

    A frame of ``film.mp4`` becomes ``film/film_000123.png``: some labelling tools keep only the
    last name.
    """
    if result.frame is None:
        return result.place
    film = result.place.with_suffix('')
    return film / f'{film.name}_{result.frame:06d}.png'


def has_keypoints(result: Result) -> bool:
    """Whether a keypoint of an instance is inside the picture."""
    return any(inside(each, result).any() for each in result.instances)


def inside(instance: Instance, result: Result) -> np.ndarray:
    """Whether each keypoint is inside the picture; bool (K,)."""
    size_wh = result.width, result.height
    return ((instance.keypoints >= 0) & (instance.keypoints <= size_wh)).all(1)


def labelled(result: Result, path: Path) -> LabelledPicture:
    """The prediction of a picture, as labels; instances outside of the picture are left out."""
    instances = [_labelled(each, result) for each in result.instances if inside(each, result).any()]
    return LabelledPicture(path, (result.width, result.height), instances)


def _labelled(instance: Instance, result: Result) -> LabelledInstance:
    """Keypoints outside of the picture are missing; those of a low score are hidden."""
    is_inside = inside(instance, result)
    visibility = np.where(instance.scores > SCORE, 2, 1) * is_inside
    points = np.column_stack([instance.keypoints * is_inside[:, None], visibility])
    x1, y1, x2, y2 = instance.box
    box = clipped(np.array([x1, y1, x2 - x1, y2 - y1]), (result.width, result.height))
    return LabelledInstance(points, box)
