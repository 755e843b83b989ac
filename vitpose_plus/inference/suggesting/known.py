"""Pictures and frames that are labelled already."""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from vitpose_plus.datasets.labels.boxes import box_of_points
from vitpose_plus.datasets.labels.copies import Contents
from vitpose_plus.datasets.labels.model import LabelledPicture
from vitpose_plus.inference.results import Result
from vitpose_plus.inference.sources import open_sources
from vitpose_plus.inference.suggesting.features import FrameFeatures
from vitpose_plus.inference.suggesting.predicted_labels import place_of


class KnownPictures:
    """Finds out whether a picture is among the labelled ones.

    A picture is labelled if its file is equal to that of a labelled picture, byte by byte. It is
    also labelled if a labelled picture has the name that ``suggest`` gives it, and equal pixels.

    Args:
        pictures: The labelled pictures.
    """

    def __init__(self, pictures: Iterable[LabelledPicture] = ()) -> None:
        self.pictures = list(pictures)
        paths = [picture.path for picture in self.pictures]
        self._contents = Contents(paths)
        self._by_name: defaultdict[str, list[Path]] = defaultdict(list)
        for path in paths:
            self._by_name[path.name].append(path)

    def has(self, result: Result) -> bool:
        """Whether the picture of a result, which has its ``image``, is labelled."""
        is_file = result.frame is None and os.path.isfile(result.source)
        if is_file and self._contents.equal(Path(result.source)):
            return True
        name = place_of(result).name
        paths = [*self._by_name.get(name, ()), *self._by_name.get(f'{name}.png', ())]
        return any(np.array_equal(_read(path), result.image) for path in paths)

    def features(self, compute: FrameFeatures) -> Iterator[np.ndarray]:
        """Yields the features (C,) of every labelled picture that has instances."""
        for labelled in self.pictures:
            if labelled.instances:
                yield compute(_read(labelled.path), _boxes(labelled))


def _read(path: Path) -> np.ndarray:
    [picture] = open_sources(path)
    return picture.read()


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
