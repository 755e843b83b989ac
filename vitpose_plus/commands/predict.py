"""Predict poses in pictures: files, folders, globs, URLs, @FILE (a list) or - (stdin)."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from vitpose_plus.commands.predict_options import add_arguments
from vitpose_plus.errors import RunError

if TYPE_CHECKING:
    from vitpose_plus.inference.prediction import Failure

__all__ = ['add_arguments', 'run']
BROKEN = 3  # the exit code if some pictures could not be read


def run(args: argparse.Namespace) -> int:
    """Returns the exit code."""
    import torch

    try:
        return _run(args)
    except torch.OutOfMemoryError as error:
        raise RunError(
            f'The memory of the device ({args.device}) is too small for the model and the '
            'detector: use smaller ones, or --device cpu.'
        ) from error


def _run(args: argparse.Namespace) -> int:
    from vitpose_plus.inference import assignment, models
    from vitpose_plus.inference.folder import PredictionFolder, check_place
    from vitpose_plus.inference.predictor import PosePredictor
    from vitpose_plus.inference.progress import PredictionProgress
    from vitpose_plus.inference.refining import Refinement
    from vitpose_plus.inference.sources import Selection, open_sources
    from vitpose_plus.inference.tracking import check_installed

    # Cheap checks come first, before weights are downloaded.
    check_place(Path(args.out))
    refine = Refinement(args.smooth, args.fill, has_tracks=args.track)
    if args.track:
        check_installed()
    selection = Selection(args.start, args.stop, args.every)
    sources = open_sources(args.sources, Path(args.out) / 'drawn', selection)
    models.origin_of(args.model, args.checkpoint).check_datasets(assignment.named(args.dataset))
    progress = PredictionProgress(sources.total)
    predictor = PosePredictor(
        args.model,
        args.checkpoint,
        device=args.device,
        precision=args.precision,
        batch_size=args.batch_size,
        flip_test=args.flip_test,
        on_message=progress.show,
    )
    prediction = predictor.prepare(
        sources,
        args.boxes,
        dataset=args.dataset,
        annotations=args.annotations,
        box_score=args.box_score,
    )
    tracking = predictor.tracking() if args.track else None
    tracked = dict(track=tracking and tracking.describe()) | refine.describe()
    written = dict(score=args.score, draw=not args.no_draw)
    folder = PredictionFolder(
        args.out,
        model=predictor.model.describe(),
        settings=prediction.describe() | tracked | written,
        formats=args.format,
        skeletons=prediction.skeletons,
        force=args.force,
    )

    def fail(failure: 'Failure') -> None:
        folder.add_failure(failure)
        progress.show(failure.error)
        progress.add()

    with folder, progress:
        results = prediction.results(fail)
        for result in refine(tracking(results) if tracking else results):
            folder.add(result)
            progress.add(len(result.instances))
        folder.finish()
    broken = folder.counts['errors']
    more = f'; {broken} pictures could not be read ({folder.folder / "errors.ndjson"})'
    print(f'{progress.sentence}{more if broken else ""}: {folder.folder}')
    return BROKEN if broken else 0
