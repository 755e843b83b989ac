"""Pictures and frames that are labelled already."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

import numpy as np

from vitpose_plus.datasets.labels.boxes import box_of_points
from vitpose_plus.datasets.labels.copies import Contents
from vitpose_plus.datasets.labels.model import LabelledPicture
from vitpose_plus.inference.results import Result
from vitpose_plus.inference.sources import open_sources
from vitpose_plus.inference.suggesting.features import FrameFeatures


def place_of(result: Result) -> PurePosixPath:
    """The path of a suggested picture below the folder of pictures.

    A frame of ``film.mp4`` becomes ``film/frame_000123.png``.
    """
    if result.frame is None:
        return result.place
    return result.place.with_suffix('') / f'frame_{result.frame:06d}.png'


class KnownPictures:
    """Finds out whether a picture is among the labelled ones.

    A picture is known by its path or its bytes. A frame of a film is known by the name that
    ``suggest`` gives it: ``FILM/frame_NUMBER.png``.

    Args:
        pictures: The labelled pictures.
    """

    def __init__(self, pictures: Iterable[LabelledPicture] = ()) -> None:
        self.pictures = list(pictures)
        paths = [picture.path for picture in self.pictures]
        self._frames = {_tail(path) for path in paths}
        self._contents = Contents(paths)

    def has(self, result: Result) -> bool:
        """Whether the picture of a result is labelled."""
        if result.frame is not None:
            return _tail(place_of(result)) in self._frames
        return os.path.isfile(result.source) and bool(self._contents.equal(Path(result.source)))

    def features(self, compute: FrameFeatures) -> Iterator[np.ndarray]:
        """Yields the features (C,) of every labelled picture that has instances."""
        for labelled in self.pictures:
            if labelled.instances:
                [picture] = open_sources(labelled.path)
                yield compute(picture.read(), _boxes(labelled))


def _tail(path: Path | PurePosixPath) -> tuple[str, ...]:
    return path.parts[-2:]


def _boxes(picture: LabelledPicture) -> np.ndarray:
    """The boxes of the labels, or those around the points: x1, y1, x2, y2 (N, 4)."""
    boxes = np.array(
        [
            box_of_points(one.points, picture.size_wh) if one.box is None else one.box
            for one in picture.instances
        ]
    )
    boxes[:, 2:] += boxes[:, :2]
    return boxes
