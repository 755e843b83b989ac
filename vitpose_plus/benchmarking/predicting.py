"""``vitpose predict --no-draw`` on a folder of pictures, with a model that stays loaded."""

from contextlib import redirect_stderr, redirect_stdout
from functools import cached_property
from io import StringIO
from itertools import count
from typing import Any

from vitpose_plus.benchmarking.plans import Plan
from vitpose_plus.inference.collecting import GOOD, Collection
from vitpose_plus.inference.defaults import SCORE
from vitpose_plus.inference.drawing import NoDrawings
from vitpose_plus.inference.folder import PredictionFolder
from vitpose_plus.inference.formats import FORMATS
from vitpose_plus.inference.manifests import new_manifest
from vitpose_plus.inference.predictor import PosePredictor
from vitpose_plus.inference.processes import started_by
from vitpose_plus.inference.progress import PredictionProgress
from vitpose_plus.inference.refining import Refinement, Stages
from vitpose_plus.inference.sources import Selection, open_sources

NUMBERS = count()  # every folder of predictions is new


class FolderPrediction:
    """The same steps as ``vitpose predict FOLDER --boxes FILE --no-draw``; the model stays loaded.

    Args:
        plan: The plan, which has the model.
        options: Options of ``PosePredictor``; also another model than that of the plan.
    """

    def __init__(self, plan: Plan, **options: Any) -> None:
        subject = plan.subject
        self.pictures, self.dataset = plan.written_pictures, subject.dataset
        self.folder = plan.folder
        named = dict(model=subject.config, checkpoint=subject.checkpoint)
        self.predictor = PosePredictor(device=str(plan.device), **(named | options))

    @cached_property
    def described(self) -> dict[str, Any]:
        """The description of the model with its SHA-256, which the command computes once."""
        return self.predictor.model.describe()

    def __call__(self) -> None:
        out = self.folder / f'predictions-{next(NUMBERS)}'
        selection = Selection(None, None, 1)
        sources = open_sources([str(self.pictures.folder)], out / 'drawn', selection)
        prediction = self.predictor.prepare(sources, str(self.pictures.file), dataset=self.dataset)
        stages = Stages(None, Refinement(None, 0), prediction.has_ids)
        skeletons = prediction.skeletons
        settings = prediction.describe() | stages.describe()
        manifest = new_manifest(self.described, settings, skeletons, sources.digest)
        folder = PredictionFolder(out, manifest, [FORMATS['ndjson']()], skeletons, SCORE)
        collection = Collection(
            prediction,
            folder,
            NoDrawings(folder.drawn, SCORE),
            stages=stages,
            processes=started_by('none'),
            progress=PredictionProgress(sources.total, is_shown=False),
        )
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()):  # the progress
            code = collection.run()
        if code != GOOD:
            raise RuntimeError(f'predict ended with {code}')
