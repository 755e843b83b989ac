"""The prediction for a picture or a frame.

Shapes: N instances, K keypoints of a dataset.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from vitpose_plus.datasets.skeletons import Skeleton
from vitpose_plus.errors import UserError
from vitpose_plus.inference.defaults import SCORE
from vitpose_plus.inference.instances import Instance
from vitpose_plus.inference.tables import to_df, to_supervision
from vitpose_plus.visualization.poses import draw_pose

if TYPE_CHECKING:
    import pandas
    import supervision


@dataclass
class Result:
    """All instances of one picture or frame.

    Attributes:
        source: The source of the picture, as it was given.
        width: The width of the picture as it is shown, in pixels.
        height: The height of the picture as it is shown, in pixels.
        instances: The instances; an empty list if none is found.
        skeletons: Dataset name -> its keypoints, for every requested dataset.
        frame: Number of the frame in a film, from 0; None for a picture.
        time: Time of the frame in seconds; None for a picture.
        time_base: The unit of the film's times, in seconds; None for a picture.
        image_id: The id of the picture in the file of boxes; None if there is none.
        image: The picture: BGR (height, width, 3), 0..255.
        place: Path of the drawn picture below the folder of drawn pictures.
    """

    source: str
    width: int
    height: int
    instances: list[Instance] = field(default_factory=list)
    skeletons: dict[str, Skeleton] = field(default_factory=dict)
    frame: int | None = None
    time: float | None = None
    time_base: Fraction | None = None
    image_id: int | None = None
    image: np.ndarray | None = field(default=None, repr=False)
    place: PurePosixPath | None = None

    @property
    def keypoints(self) -> np.ndarray:
        """x, y (N, K, 2) in pixels; raises a ``UserError`` if there are several datasets."""
        empty = np.zeros((0, len(self.names), 2), np.float32)
        return np.array([each.keypoints for each in self.instances]) if self.instances else empty

    @property
    def scores(self) -> np.ndarray:
        """The scores of the keypoints (N, K), with the same condition as ``keypoints``."""
        empty = np.zeros((0, len(self.names)), np.float32)
        return np.array([each.scores for each in self.instances]) if self.instances else empty

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the K keypoints, with the same condition as ``keypoints``."""
        return self._only().names

    @property
    def jumps(self) -> int:
        """The number of keypoints that jump against the neighbouring frames."""
        return sum(int(each.jumps.sum()) for each in self.instances if each.jumps is not None)

    def of(self, dataset: str) -> 'Result':
        """Returns the same result with only the instances of one dataset."""
        if dataset not in self.skeletons:
            raise UserError(
                f'The result has no dataset {dataset!r}: it has {", ".join(self.skeletons)}.'
            )
        own = [instance for instance in self.instances if instance.dataset == dataset]
        return replace(self, instances=own, skeletons={dataset: self.skeletons[dataset]})

    def draw(self, score: float = SCORE) -> Image.Image:
        """Draws the instances on the picture, and the ids of their tracks.

        Only keypoints above this score are drawn. Smoothed positions are drawn where they exist.
        """
        return Image.fromarray(self.drawn(score)[..., ::-1])

    def drawn(self, score: float = SCORE) -> np.ndarray:
        """Returns the same picture as ``draw``, but as an array: BGR (height, width, 3), 0..255."""
        image = np.array(self.image)
        numbers = {name: number for number, name in enumerate(self.skeletons)}
        for instance in self.instances:
            draw_pose(
                image,
                instance.keypoints if instance.smoothed is None else instance.smoothed,
                instance.scores,
                self.skeletons[instance.dataset],
                box=instance.box,
                score=score,
                label=None if instance.id is None else str(instance.id),
                number=numbers[instance.dataset],
            )
        return image

    def to_df(self) -> 'pandas.DataFrame':
        """Returns a table with one row per keypoint; needs the extra ``tables``."""
        return to_df([self], self.skeletons)

    def to_supervision(self) -> 'supervision.KeyPoints':
        """Returns the keypoints as an object of supervision; needs the extra ``tables``."""
        return to_supervision(self)

    def to_json(self) -> str:
        """Returns ``to_dict`` as JSON text."""
        return json.dumps(self.to_dict(), allow_nan=False)

    def to_dict(self) -> dict[str, Any]:
        """Returns the content of the picture's line in ``predictions.ndjson``."""
        line = dict(
            source=self.source,
            frame=self.frame,
            time=self.time,
            width=self.width,
            height=self.height,
            instances=[instance.to_dict() for instance in self.instances],
        )
        return line if self.image_id is None else line | dict(image_id=self.image_id)

    @classmethod
    def from_dict(cls, line: Mapping[str, Any], skeletons: dict[str, Skeleton]) -> 'Result':
        """Reads ``to_dict``; the result has no picture."""
        return cls(
            line['source'],
            width=line['width'],
            height=line['height'],
            instances=[Instance.from_dict(each) for each in line['instances']],
            skeletons=skeletons,
            frame=line['frame'],
            time=line['time'],
            image_id=line.get('image_id'),
        )

    def _only(self) -> Skeleton:
        """The keypoints of the only requested dataset."""
        if len(self.skeletons) != 1:
            raise UserError(
                f'The result has instances of several datasets, {", ".join(self.skeletons)}: '
                'select one with result.of(DATASET).'
            )
        return next(iter(self.skeletons.values()))
