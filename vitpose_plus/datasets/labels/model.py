"""Labels of pictures, as they are used after the files have been read and checked."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass
class LabelledInstance:
    """An animal or object in a picture.

    Attributes:
        points: x, y in pixels, and the visibility: 0 missing (x and y are 0), 1 hidden, 2 visible;
            float (K, 3).
        box: x, y, width, height in pixels, (4,); None if the file has no box.
    """

    points: np.ndarray
    box: np.ndarray | None = None

    @property
    def labelled(self) -> np.ndarray:
        """Whether each of the K keypoints is labelled; bool (K,)."""
        return self.points[:, 2] > 0


@dataclass
class LabelledPicture:
    """A picture and its instances; each instance has a labelled keypoint.

    Attributes:
        path: The path of the picture, which exists.
        size_wh: Width and height in pixels, after the turn by the EXIF orientation.
        instances: The instances; empty if nothing is labelled in the picture.
    """

    path: Path
    size_wh: tuple[int, int]
    instances: list[LabelledInstance]


@dataclass
class Labels:
    """All labels of one kind of animal or object.

    Attributes:
        names: The names of the K keypoints, in order.
        links: Pairs of keypoint numbers, from 0; empty if the files have none.
        pictures: The pictures, in the order of the files.
    """

    names: tuple[str, ...]
    links: tuple[tuple[int, int], ...]
    pictures: list[LabelledPicture]

    @property
    def labelled_pictures(self) -> list[LabelledPicture]:
        """The pictures that have an instance."""
        return [picture for picture in self.pictures if picture.instances]

    @property
    def most_instances(self) -> int:
        """The largest number of instances in one picture; 0 without pictures."""
        return max((len(picture.instances) for picture in self.pictures), default=0)

    @property
    def counts(self) -> dict[str, int]:
        """Name of each keypoint, in order -> the number of instances in which it is labelled."""
        labelled = [one.labelled for picture in self.pictures for one in picture.instances]
        numbers = np.array(labelled, int).reshape(-1, len(self.names)).sum(0)
        return dict(zip(self.names, numbers.tolist(), strict=True))
