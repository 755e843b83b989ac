"""Suggest frames of films and folders that are worth labelling next, with predicted keypoints."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from vitpose_plus.commands.suggest_options import add_arguments
from vitpose_plus.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vitpose_plus.datasets.labels import Labels
    from vitpose_plus.datasets.skeletons import Skeleton
    from vitpose_plus.inference.items import Failure
    from vitpose_plus.inference.progress import PredictionProgress
    from vitpose_plus.inference.results import Result
    from vitpose_plus.inference.sources import Sources
    from vitpose_plus.inference.suggesting.measures import Measure
    from vitpose_plus.inference.suggesting.suggester import Frame, Suggester

__all__ = ['add_arguments', 'run']

GOOD, BROKEN = 0, 3  # exit codes; 3: some pictures could not be predicted


def run(args: argparse.Namespace) -> int:
    """Returns the exit code."""
    from vitpose_plus.inference.batches import memory_errors

    with memory_errors(args.device):
        return _run(args)


def _run(args: argparse.Namespace) -> int:
    from vitpose_plus.datasets.labels.writers import WRITERS
    from vitpose_plus.inference.progress import PredictionProgress
    from vitpose_plus.inference.sources import Selection, open_sources
    from vitpose_plus.inference.suggesting.folder import check_place, write_suggestions

    out, writer = Path(args.out), WRITERS[args.format]()
    check_place(out, args.force)
    known = labels_of(args)
    check_labelled(known, out)
    sources = open_sources(args.sources, out, Selection(args.start, args.stop, args.every))
    if sources.has_endless:
        raise UserError('A camera has no end: record a film, and give its file.')
    progress = PredictionProgress(sources.total)
    suggester = suggester_of(args, sources, known, progress)
    failures = []

    def note(failure: 'Failure') -> None:
        failures.append(failure)
        progress.show(failure.error)

    with progress:
        frames = list(suggester.measured(_shown(suggester.results(note), progress)))
        if not frames:
            raise UserError(
                'No picture can be suggested: they are labelled, or broken, or the model finds '
                'nothing in them: give other pictures, or other --boxes.'
            )
        chosen = suggester.choose(frames, args.count)
    paths = write_suggestions(out, chosen, sources, writer)
    for line in table(paths, chosen, suggester.measures):
        print(line)
    print(f'{out}: {len(chosen)} pictures, chosen among {len(frames)}.')
    print(writer.advice(out))
    return BROKEN if failures else GOOD


def suggester_of(
    args: argparse.Namespace,
    sources: 'Sources',
    known: 'Sequence[Labels]',
    progress: 'PredictionProgress',
) -> 'Suggester':
    """Loads the model, and checks everything before the first picture is predicted."""
    from vitpose_plus.inference.models import origin_of
    from vitpose_plus.inference.predictor import PosePredictor
    from vitpose_plus.inference.suggesting.known import KnownPictures
    from vitpose_plus.inference.suggesting.measures import has_flip_test, measures_of
    from vitpose_plus.inference.suggesting.suggester import Suggester, check_origin

    origin = origin_of(args.model, args.checkpoint)
    check_origin(origin)
    cfg = origin.config()
    predictor = PosePredictor(
        args.model,
        args.checkpoint,
        device=args.device,
        precision=args.precision,
        compile=args.compile,
        batch_size=args.batch_size,
        quality=has_flip_test(cfg),
        on_message=progress.show,
    )
    prediction = predictor.prepare(
        sources,
        args.boxes,
        dataset=args.dataset,
        annotations=args.annotations,
        box_score=args.box_score,
    )
    if len(prediction.skeletons) > 1:
        raise UserError(
            f'--dataset names {", ".join(prediction.skeletons)}, but labels are of one dataset: '
            'give one.'
        )
    [skeleton] = prediction.skeletons.values()
    check_names(known, skeleton)
    pictures = KnownPictures(each for labels in known for each in labels.pictures)
    return Suggester(predictor, prediction, measures_of(cfg, skeleton.dataset), pictures)


def labels_of(args: argparse.Namespace) -> 'list[Labels]':
    """The labels of ``--labelled``: of folders of datasets, and of files or folders of labels."""
    from vitpose_plus.datasets.labels import read_labels
    from vitpose_plus.experiments.new_dataset.places import OPTIONS
    from vitpose_plus.experiments.new_dataset.recording import recorded_labels

    pictures = args.pictures and Path(args.pictures)
    return [
        recorded_labels(path)
        if (path / OPTIONS).exists()
        else read_labels([path], pictures, args.category)
        for path in map(Path, args.labelled)
    ]


def check_labelled(known: 'Sequence[Labels]', out: Path) -> None:
    """Raises a ``UserError`` if labelled pictures would be replaced."""
    place = out.resolve()
    for labels in known:
        for picture in labels.pictures:
            if picture.path.resolve().is_relative_to(place):
                raise UserError(f'{out} has labelled pictures of --labelled: give another --out.')


def check_names(known: 'Sequence[Labels]', skeleton: 'Skeleton') -> None:
    """Raises a ``UserError`` if labels are of another dataset than the predictions."""
    for labels in known:
        if others := [name for name in labels.names if name not in skeleton.names]:
            raise UserError(
                f'--labelled has the keypoint {others[0]}, which {skeleton.dataset} does not have: '
                'give the labels of this dataset, or another --dataset.'
            )


def _shown(results: 'Iterator[Result]', progress: 'PredictionProgress') -> 'Iterator[Result]':
    """Yields results, and shows how many there are."""
    pictures = instances = 0
    for result in results:
        pictures, instances = pictures + 1, instances + len(result.instances)
        progress.update(0, pictures, instances)
        yield result


def table(
    paths: 'Sequence[str]', frames: 'Sequence[Frame]', measures: 'Sequence[Measure]'
) -> 'Iterator[str]':
    """Yields the lines of a table: each picture with the reasons why it is suggested."""
    width = max(map(len, paths))
    yield f'{"":{width}}  {"  ".join(measure.title for measure in measures)}'
    for path, frame in zip(paths, frames, strict=True):
        cells = zip(measures, frame.values, strict=True)
        values = '  '.join(f'{value:{len(measure.title)}.3g}' for measure, value in cells)
        yield f'{path:{width}}  {values}'
