"""``PosePredictor``: predicts the poses of all people and animals in pictures."""

import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from vitpose_plus.datasets.skeletons import Skeleton
from vitpose_plus.errors import UserError
from vitpose_plus.inference import assignment
from vitpose_plus.inference.batches import BatchRunner, batch_size_of
from vitpose_plus.inference.boxes import open_boxes
from vitpose_plus.inference.boxes.source import BoxSource
from vitpose_plus.inference.boxes.trained import trained_with
from vitpose_plus.inference.boxes.whole import FirstLook
from vitpose_plus.inference.defaults import BOX_SCORE, BOXES, MODEL
from vitpose_plus.inference.estimators import estimator_of
from vitpose_plus.inference.following import FollowingPrediction
from vitpose_plus.inference.items import Failure
from vitpose_plus.inference.models import origin_of
from vitpose_plus.inference.precisions import AUTO, note_on
from vitpose_plus.inference.prediction import Prediction, raise_failure
from vitpose_plus.inference.quality import measuring
from vitpose_plus.inference.refining import Refinement, Stages
from vitpose_plus.inference.results import Result
from vitpose_plus.inference.smoothing import Smoother
from vitpose_plus.inference.sources import ALL, Selection, Sources, open_sources
from vitpose_plus.inference.tracking import ByteTracking, Tracking
from vitpose_plus.inference.two_looks import RefiningPrediction

LOGGER = logging.getLogger('vitpose_plus')


class PosePredictor:
    """Predicts the poses of all people and animals in pictures.

        predictor = PosePredictor('vitpose-plus-base')
        for result in predictor('photos/', boxes='rtmdet-m'):
            print(result.source, result.keypoints.shape)

    Args:
        model: The name of a released model, the path or name of a config, a training folder, or a
            file that ``vitpose export`` wrote.
        checkpoint: The file or URL of the weights, if ``model`` does not define them.
        device: ``auto``, ``cpu`` or ``cuda:N``.
        precision: As in ``vitpose_plus.prepare``; so is ``compile``.
        batch_size: The number of crops in a batch, or ``auto``.
        flip_test: Whether predictions are averaged with those of the mirrored crops.
        quality: Whether instances get ``flip_distance`` and ``spread``, which show the keypoints
            that may be wrong. It takes twice the time, but not more time than ``flip_test``.
        on_message: A function that is called with each message (a sentence).

    Raises:
        UserError: The model does not exist, or its config and weights do not fit, or ``quality``
            is not possible with it.
    """

    def __init__(
        self,
        model: str | Path = MODEL,
        checkpoint: str | Path | None = None,
        *,
        device: str = 'auto',
        precision: str = AUTO,
        compile: bool = False,
        batch_size: int | str = 'auto',
        flip_test: bool = False,
        quality: bool = False,
        on_message: Callable[[str], None] = LOGGER.warning,
    ) -> None:
        origin = origin_of(str(model), checkpoint and str(checkpoint))
        self.device, self.on_message = origin.device_of(device), on_message
        self.precision = origin.precision_of(precision, self.device, compile)
        size = batch_size_of(batch_size, self.device)
        self.model = origin.load(self.device)
        self.flip_test = self.model.use_flip_test(flip_test, on_message)
        self.quality = quality
        if quality:
            self.model.check_quality()
        self.model.prepare(self.device, self.precision, compile)
        if note := note_on(precision, self.precision):
            on_message(note)
        network = measuring(self.model, flip_test) if quality else self.model.network
        self.run = BatchRunner(network, self.device, size, on_message)
        self.estimator = estimator_of(self.model)

    @property
    def skeletons(self) -> dict[str, Skeleton]:
        """Dataset name -> its keypoints, for every dataset of the model."""
        return self.model.skeletons

    def __call__(
        self,
        sources: Any,
        boxes: Any = None,
        *,
        dataset: str | Mapping[str, str] | None = None,
        annotations: str | Path | None = None,
        box_score: float = BOX_SCORE,
        frames: Selection = ALL,
        detect_every: int = 1,
        on_failure: Callable[[Failure], None] = raise_failure,
        track: Tracking | None = None,
        smooth: str | Smoother | None = None,
        fill: int = 0,
    ) -> Iterator[Result]:
        """Yields the results of all pictures that can be predicted, in the order of the sources.

        Args:
            sources: A picture, film, folder, glob, ``@FILE``, ``-``, URL or ``camera:N``; an array
                (BGR) or a PIL image; or several of these.
            boxes: The name of a detector, a file of boxes or annotations, ``whole``, ``refine``
                (one animal: the whole picture, then the box around its keypoints), or a mapping
                from sources to arrays. The default is set in the model's config, else
                ``rtmdet-m``.
            dataset: The dataset that defines the keypoints, or a mapping from the classes of the
                boxes to datasets. The default is ``coco``, or the model's only dataset.
            annotations: The file with the names of the pictures, if the file ``boxes`` has only
                their ids.
            box_score: Detections with a lower score are left out.
            frames: The frames of films that are used; the default is all of them.
            detect_every: In films, the boxes are detected in every ``detect_every``-th frame, and
                come from the keypoints of the frame before in all other frames.
            on_failure: A function that is called with the ``Failure`` of each picture that cannot
                be predicted. The default raises a ``UserError``.
            track: Sets the ids of the instances in films, for example ``predictor.tracking()``.
            smooth: ``one-euro`` (uses earlier frames) or ``savgol`` (also uses the next 5 frames),
                or a ``Smoother`` with other settings. Instances with ids get ``smoothed``.
            fill: Gaps of tracks with up to this number of frames are filled. Each result waits for
                as many later results.

        Raises:
            UserError: An argument is wrong or does not fit. This is raised before any picture is
                opened.
        """
        refine = Refinement(smooth, fill)
        prediction = self.prepare(
            sources,
            boxes,
            dataset=dataset,
            annotations=annotations,
            box_score=box_score,
            frames=frames,
            detect_every=detect_every,
        )
        stages = Stages(track, refine, prediction.has_ids)
        return stages(prediction.results(on_failure))

    def tracking(self) -> Tracking:
        """Returns the default tracking for this model; needs the extra ``predict``."""
        return ByteTracking(self.estimator.start_score)

    def prepare(
        self,
        sources: Any,
        boxes: Any = None,
        *,
        dataset: str | Mapping[str, str] | None = None,
        annotations: str | Path | None = None,
        box_score: float = BOX_SCORE,
        frames: Selection = ALL,
        detect_every: int = 1,
    ) -> Prediction:
        """Opens and checks everything for a prediction.

        The arguments are the same as in ``__call__``. ``sources`` may also be an object of the
        class ``Sources``.
        """
        wanted = self.model.defaults.get('dataset') if dataset is None else dataset
        opened, labels = None, ()
        settings = dict(dataset=wanted, flip_test=self.flip_test, quality=self.quality)
        settings |= dict(precision=self.precision)
        if self.estimator.needs_boxes:
            named, opened = self._boxes(boxes, annotations, box_score)
            labels = opened.labels
            settings |= dict(boxes=named, annotations=annotations, box_score=box_score)
        elif boxes is not None or annotations is not None:
            raise UserError(
                f'{self.model.origin.model} is a bottom-up model, which uses no boxes: '
                'leave out --boxes and --annotations.'
            )
        self.model.origin.check_datasets(assignment.named(wanted))
        chosen = assignment.parse(wanted, list(self.model.skeletons), labels)
        if not isinstance(sources, Sources):
            sources = open_sources(sources, selection=frames)
        made = self.estimator, self.run, sources, opened, chosen, settings
        if isinstance(opened, FirstLook):
            return RefiningPrediction(*made, every=detect_every)
        if detect_every == 1:
            return Prediction(*made)
        return FollowingPrediction(*made, every=detect_every)

    def _boxes(
        self, boxes: Any, annotations: str | Path | None, box_score: float
    ) -> tuple[Any, BoxSource]:
        """Returns the boxes as they are named, and opened."""
        name = self.model.origin.model
        trained = trained_with(self.model.defaults.get('boxes', BOXES))
        named = trained.default(name) if boxes is None else boxes
        opened = open_boxes(named, annotations, self.device, box_score)
        for warning in trained.warnings(name, opened):
            self.on_message(warning)
        return named, opened
