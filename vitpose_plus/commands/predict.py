"""Predict poses in pictures and films: files, folders, globs, URLs, cameras, lists, stdin."""

import argparse
from pathlib import Path

from vitpose_plus.commands.predict_options import add_arguments

__all__ = ['add_arguments', 'run']


def run(args: argparse.Namespace) -> int:
    """Returns the exit code."""
    from vitpose_plus.inference.batches import memory_errors

    with memory_errors(args.device):
        return _run(args)


def _run(args: argparse.Namespace) -> int:
    from vitpose_plus.inference import assignment
    from vitpose_plus.inference.collecting import Collection
    from vitpose_plus.inference.drawing import Drawings, NoDrawings
    from vitpose_plus.inference.folder import PredictionFolder, check_place
    from vitpose_plus.inference.formats import FORMATS
    from vitpose_plus.inference.manifests import new_manifest
    from vitpose_plus.inference.models import origin_of
    from vitpose_plus.inference.predictor import PosePredictor
    from vitpose_plus.inference.processes import started_by
    from vitpose_plus.inference.progress import PredictionProgress
    from vitpose_plus.inference.refining import Refinement, Stages
    from vitpose_plus.inference.sources import Selection, open_sources
    from vitpose_plus.inference.tracking import check_installed

    # Cheap checks come first, before weights are downloaded.
    check_place(Path(args.out))
    names = sorted(set(args.format))
    formats = [FORMATS[name]() for name in names]
    refine = Refinement(args.smooth, args.fill)
    if args.track:
        check_installed()
    selection = Selection(args.start, args.stop, args.every)
    processes = started_by(args.launcher)
    sources = open_sources(
        args.sources, Path(args.out) / 'drawn', selection, is_shared=processes.are_several
    )
    origin_of(args.model, args.checkpoint).check_datasets(assignment.named(args.dataset))
    progress = PredictionProgress(sources.total, is_shown=processes.is_first)
    predictor = PosePredictor(
        args.model,
        args.checkpoint,
        device=args.device,
        precision=args.precision,
        compile=args.compile,
        batch_size=args.batch_size,
        flip_test=args.flip_test,
        quality=args.quality,
        on_message=progress.show,
    )
    prediction = predictor.prepare(
        sources,
        args.boxes,
        dataset=args.dataset,
        annotations=args.annotations,
        box_score=args.box_score,
        detect_every=args.detect_every,
    )
    tracking = predictor.tracking() if args.track else None
    stages = Stages(tracking, refine, prediction.has_ids)
    written = dict(score=args.score, draw=not args.no_draw, formats=names)
    manifest = new_manifest(
        predictor.model.describe(),
        prediction.describe() | stages.describe() | written,
        prediction.skeletons,
        sources.digest,
    )
    folder = PredictionFolder(args.out, manifest, formats, prediction.skeletons, args.score)
    draw = NoDrawings if args.no_draw else Drawings
    collection = Collection(
        prediction,
        folder,
        draw(folder.drawn, args.score),
        stages=stages,
        processes=processes,
        progress=progress,
    )
    return collection.run(args.force)
