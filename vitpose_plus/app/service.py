"""Predictions for the page, within its limits; one at a time."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from threading import Lock

from vitpose_plus.app.answers import Answer, Writing
from vitpose_plus.app.boxes import Boxing
from vitpose_plus.app.choices import Choice, boxes_of, check_choice, datasets_of
from vitpose_plus.app.faults import naming, sentences
from vitpose_plus.app.folders import LIFETIME, Folders
from vitpose_plus.app.heatmaps import HeatmapDrawings, with_heatmaps
from vitpose_plus.app.limits import Limits
from vitpose_plus.app.media import FilmMedium, Medium, PictureMedium
from vitpose_plus.app.memory import LastUsed
from vitpose_plus.app.requests import Progress, Request
from vitpose_plus.app.uploads import Upload, read
from vitpose_plus.errors import UserError
from vitpose_plus.inference.defaults import DETECTORS
from vitpose_plus.inference.facts import Facts
from vitpose_plus.inference.models import origin_of
from vitpose_plus.inference.pose_model import Origin
from vitpose_plus.inference.predictor import PosePredictor
from vitpose_plus.inference.quality import obstacle
from vitpose_plus.inference.results import Result
from vitpose_plus.inference.sources import Sources
from vitpose_plus.inference.writing import disk_errors, write_picture


class PoseService:
    """Predicts pictures and films for the page, one after the other.

    Only the last used model and the last used detector are in memory.

    Args:
        models: The names of the models, as in ``vitpose predict --model``.
        checkpoints: Name of a model -> file of its weights, for models that are configs.
        detectors: The names or folders of the detectors that a user can choose.
        device: ``auto``, ``cpu`` or ``cuda:N``.
        limits: The limits of uploads.
        lifetime: The age in seconds at which an answer is deleted.

    Raises:
        UserError: There is no such model, or its config is wrong, or its weights are not given.
    """

    def __init__(
        self,
        models: Sequence[str],
        checkpoints: Mapping[str, str | Path] | None = None,
        *,
        detectors: Sequence[str] = DETECTORS,
        device: str = 'auto',
        limits: Limits | None = None,
        lifetime: float = LIFETIME,
    ) -> None:
        self.models = tuple(models)
        self.device, self.limits = device, limits or Limits()
        self.boxing = Boxing(detectors, self.limits)
        self.folders = Folders(self.limits.total_megabytes, lifetime)
        self._checkpoints = dict(checkpoints or {})
        self._predictors: LastUsed[PosePredictor] = LastUsed()
        self._notes: list[str] = []  # of the prediction that runs; a model also writes into it
        self._lock, self._showing = Lock(), Lock()
        self._facts = {model: self._checked(model) for model in self.models}

    @property
    def root(self) -> Path:
        """The folder of all files that the page may serve."""
        return self.folders.root

    def origin(self, model: str) -> Origin:
        """Returns the origin of a model; this needs no weights."""
        check_choice(model, self.models, 'model')
        checkpoint = self._checkpoints.get(model)
        return origin_of(model, checkpoint and str(checkpoint))

    def _checked(self, model: str) -> Facts:
        """Returns the facts about a model whose weights are given."""
        origin = self.origin(model)
        origin.check_weights()
        return origin.facts()

    def title(self, model: str) -> str:
        """Returns the text for a model: the name of a file or folder in place of its path."""
        titles = [Path(each).name for each in self.models]
        name = Path(model).name
        return name if titles.count(name) == 1 else model

    def facts(self, model: str) -> Facts:
        """Returns the facts about a model; this needs no weights."""
        check_choice(model, self.models, 'model')
        return self._facts[model]

    def datasets(self, model: str) -> list[Choice]:
        """Returns the choices of keypoints; the first one is the default."""
        return datasets_of(self.facts(model))

    def boxes(self, model: str, dataset: str) -> list[Choice]:
        """Returns the choices of boxes, the default first; none for a bottom-up model."""
        return boxes_of(self.facts(model), dataset, self.boxing.detectors)

    def picture(self, source: str | Path, request: Request) -> Answer:
        """Predicts a picture.

        Raises:
            UserError: The picture or a choice is wrong, or the user stops the prediction.
            RunError: The memory or the disk is too small.
        """
        return self._answer(PictureMedium(), Upload(Path(source)), request)

    def film(self, source: str | Path, request: Request) -> Answer:
        """Predicts a film; see ``picture``."""
        return self._answer(FilmMedium(), Upload(Path(source)), request)

    def shown(self, source: str | Path) -> Path:
        """Returns a PNG of a picture as it is predicted: turned, and within the limits.

        Boxes that a user draws on this picture are in the right pixels. This does not wait for a
        prediction.
        """
        upload = Upload(Path(source))
        with self._showing, sentences(self.device), self.folders.new() as folder:
            self.limits.check_picture(upload.path, upload.name)
            path = folder / f'{upload.stem}.png'
            with disk_errors(folder):
                write_picture(path, read(upload))
            return path

    def close(self) -> None:
        """Deletes all answers."""
        self.folders.close()

    def _answer(self, medium: Medium, upload: Upload, request: Request) -> Answer:
        with self._lock, sentences(self.device), self.folders.new() as folder:
            medium.check_boxes(request.boxes)
            self._check(request)
            with naming(upload):
                medium.check(upload, self.limits)
                return self._predict(medium, upload, request, folder)

    def _check(self, request: Request) -> None:
        values = [choice.value for choice in self.datasets(request.model)]
        check_choice(request.dataset, values, 'keypoints')
        self.boxing.check(request.boxes, self.facts(request.model), request.dataset)
        if not 0 <= request.score <= 1:
            raise UserError(f'The score {request.score} is wrong: choose a number from 0 to 1.')

    def _predict(self, medium: Medium, upload: Upload, request: Request, folder: Path) -> Answer:
        notes = self._notes
        notes.clear()
        sources = Sources([medium.source(upload, 0)])
        request.progress(0, sources.total, f'loading {self.title(request.model)}')
        predictor = self._predictors.get(request.model, partial(self._load, request.model))
        boxes = self.boxing.open(request.boxes, upload.name, predictor.device)
        reason = request.overlay and obstacle(predictor.model)
        if reason:
            notes.append(f'{self.title(request.model)} {reason}, so its heatmaps are not drawn.')
        has_overlay = request.overlay and not reason
        overlays = HeatmapDrawings if has_overlay else None
        own = medium.ending, medium.columns, request.score, overlays
        predict = partial(predictor, sources, boxes, dataset=request.dataset)
        with with_heatmaps(predictor) if has_overlay else nullcontext():
            results = medium.results(
                lambda on_failure: predict(on_failure=on_failure), upload.name, self.limits, notes
            )
            counted = _counted(results, sources.total, request.progress, notes)
            answer = Writing(folder, upload.stem, *own).write(counted, predictor.skeletons)
        answer.messages = [upload.named(note) for note in dict.fromkeys(notes)]
        return answer

    def _load(self, model: str) -> PosePredictor:
        weights, on_message = self._checkpoints.get(model), self._notes.append
        return PosePredictor(model, weights, device=self.device, on_message=on_message)


def _counted(
    results: Iterator[Result], total: int | None, progress: Progress, notes: list[str]
) -> Iterator[Result]:
    """Yields the results, and shows the progress."""
    progress(0, total, 'predicting')
    instances = 0
    for number, result in enumerate(results, 1):
        instances += len(result.instances)
        yield result
        progress(number, total, f'instances: {instances}')
    if not instances:
        notes.append('Nobody is found: choose other boxes, or another model.')
