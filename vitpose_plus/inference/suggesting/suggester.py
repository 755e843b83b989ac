"""Finds the frames of films and folders that are worth labelling next."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from mmpose.models.pose_estimators import TopdownPoseEstimator

from vitpose_plus.errors import UserError
from vitpose_plus.inference.exported import ExportedFile
from vitpose_plus.inference.items import Failure
from vitpose_plus.inference.pose_model import Origin
from vitpose_plus.inference.prediction import Prediction, raise_failure
from vitpose_plus.inference.predictor import PosePredictor
from vitpose_plus.inference.refining import Refinement, Stages
from vitpose_plus.inference.results import Result
from vitpose_plus.inference.sources import Sources
from vitpose_plus.inference.sources.picture import Picture
from vitpose_plus.inference.suggesting.features import FrameFeatures
from vitpose_plus.inference.suggesting.known import KnownPictures
from vitpose_plus.inference.suggesting.measures import Measure, uncertainty
from vitpose_plus.inference.suggesting.predicted_labels import has_keypoints
from vitpose_plus.inference.suggesting.selection import candidates, select

Key = tuple[str, int | None]  # the source and the number of the frame


@dataclass(frozen=True)
class Frame:
    """A predicted frame.

    Attributes:
        result: The prediction, without the picture.
        values: Its values of the measures.
    """

    result: Result
    values: list[float]

    @property
    def key(self) -> Key:
        return key_of(self.result)


class Suggester:
    """Suggests frames: uncertain ones, which differ from each other and from the labelled ones.

    The features of the labelled pictures are computed at once, so a damaged one is found early.
    The predictions of all frames are in memory, but not their pictures: about 100 MB for an hour of
    film with one animal.

    Args:
        predictor: The predictor.
        prediction: What ``predictor.prepare`` returned, for one dataset.
        measures: The measures that are combined.
        known: The labelled pictures.
    """

    def __init__(
        self,
        predictor: PosePredictor,
        prediction: Prediction,
        measures: Sequence[Measure],
        known: KnownPictures,
    ) -> None:
        self.predictor, self.prediction = predictor, prediction
        self.measures, self.known = measures, known
        self.compute = FrameFeatures(predictor, *prediction.skeletons)
        self.known_features = np.array(list(known.features(self.compute)))

    def results(self, on_failure: Callable[[Failure], None] = raise_failure) -> Iterator[Result]:
        """Yields the predictions of all frames, in order, with the marks of jumps in films."""
        needs_tracking = not self.prediction.has_ids and _has_film(self.prediction.sources)
        track = self.predictor.tracking() if needs_tracking else None
        stages = Stages(track, Refinement(None, 0), self.prediction.has_ids)
        yield from stages(self.prediction.results(on_failure))

    def measured(self, results: Iterator[Result]) -> Iterator[Frame]:
        """Yields the frames that can be suggested: those with keypoints, which are not known."""
        seen = set()  # a source may be given twice
        for result in results:
            if key_of(result) not in seen and has_keypoints(result) and not self.known.has(result):
                seen.add(key_of(result))
                values = [measure.value(result) for measure in self.measures]
                yield Frame(replace(result, image=None), values)

    def choose(self, frames: Sequence[Frame], count: int) -> list[Frame]:
        """Returns at most ``count`` of the frames, the most useful ones first."""
        unsure = uncertainty([frame.values for frame in frames])
        rows = candidates(unsure, count)
        by_key = dict(self._features([frames[row] for row in rows]))
        rows = [row for row in rows if frames[row].key in by_key]
        features = np.array([by_key[frames[row].key] for row in rows])
        chosen = select(unsure[rows], features, count, self.known_features)
        return [frames[rows[one]] for one in chosen]

    def _features(self, frames: Sequence[Frame]) -> Iterator[tuple[Key, np.ndarray]]:
        boxes = {frame.key: [one.box for one in frame.result.instances] for frame in frames}
        for key, picture in pictures_of(self.prediction.sources, boxes):
            yield key, self.compute(picture.read(), np.array(boxes[key]))


def key_of(picture: Picture | Result) -> Key:
    """What distinguishes a picture or frame from the others."""
    return picture.source, picture.frame


def check_origin(origin: Origin) -> None:
    """Raises a ``UserError`` if a model has no features of crops; this needs no weights."""
    if isinstance(origin, ExportedFile):
        raise UserError(
            f'{origin.model} is an exported file, which gives no features of the backbone: '
            'give the config and the checkpoint of the model.'
        )
    network = origin.facts().network
    if not issubclass(network, TopdownPoseEstimator):
        raise UserError(
            f'{origin.model} is a {network.__name__}, but suggest needs a top-down model: give '
            'another --model.'
        )


def pictures_of(sources: Sources, keys: Collection[Key]) -> Iterator[tuple[Key, Picture]]:
    """Yields the pictures of some frames; each frame once, also if a source is given twice."""
    left = set(keys)
    for picture in sources if left else ():
        key = key_of(picture)
        if key in left:
            left.remove(key)
            yield key, picture
            if not left:
                return


def _has_film(sources: Sources) -> bool:
    return any(planned.entry.is_film for planned in sources.entries())
