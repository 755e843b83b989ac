"""The pictures on their way through a prediction."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from vitpose_plus.datasets.skeletons import Skeleton
from vitpose_plus.errors import RunError
from vitpose_plus.inference.boxes.source import Boxes
from vitpose_plus.inference.estimators import Job
from vitpose_plus.inference.instances import Instance
from vitpose_plus.inference.results import Result
from vitpose_plus.inference.sources.picture import Picture


class Failure(NamedTuple):
    """A picture that could not be predicted, and the reason in one sentence."""

    source: str
    frame: int | None
    error: str


@dataclass
class Item:
    """A picture with everything that is known about it so far.

    Attributes:
        picture: The picture, which may not be decoded yet.
        instances: Its instances; None if they are not predicted yet.
        failure: The reason why it cannot be predicted; None if there is none.
        is_new: Whether this run predicts it; False if an earlier run has done that.
        image: The decoded picture: BGR (height, width, 3).
        boxes: The boxes of people and animals.
        jobs: The inputs of the network.
    """

    picture: Picture
    instances: list[Instance] | None = None
    failure: Failure | None = None
    is_new: bool = field(init=False)
    image: np.ndarray | None = field(default=None, repr=False)
    boxes: Boxes | None = None
    jobs: list[Job] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.is_new = self.instances is None
        self._found: list[list[Instance]] = []

    @property
    def is_settled(self) -> bool:
        """Whether the instances or the failure are known."""
        return self.instances is not None or self.failure is not None

    def fail(self, error: str) -> None:
        self.failure = Failure(self.picture.source, self.picture.frame, error)

    def look_again(self, boxes: Boxes) -> None:
        """Removes the instances; the next jobs come from these boxes."""
        self.boxes, self.instances, self.jobs, self._found = boxes, None, [], []

    def add(self, found: list[Instance]) -> None:
        """Adds the instances of the next job, and sets ``instances`` after the last job."""
        self._found.append(found)
        if len(self._found) == len(self.jobs):
            self.instances = [instance for found in self._found for instance in found]
            self._check_finite()

    def _check_finite(self) -> None:
        if not all(
            np.isfinite(part).all() for i in self.instances for part in (i.keypoints, i.scores)
        ):
            raise RunError(
                f'The model predicts numbers that are not finite (NaN or infinity) for '
                f'{self.picture.source}: try --precision fp32, and check the checkpoint.'
            )

    def result(self, skeletons: dict[str, Skeleton]) -> Result:
        """Returns the result of a picture that is predicted."""
        return Result(
            self.picture.source,
            width=self.image.shape[1],
            height=self.image.shape[0],
            instances=self.instances,
            skeletons=skeletons,
            frame=self.picture.frame,
            time=self.picture.time,
            time_base=self.picture.time_base,
            image_id=self.boxes and self.boxes.image_id,
            image=self.image,
            place=self.picture.place,
        )
