"""List the released weights (name, datasets, size, licence flags), or try one on a picture."""

import argparse
import json
from typing import TYPE_CHECKING, Any

from vitpose_plus import files

if TYPE_CHECKING:
    from rich.table import Table

GUIDE = 'docs/weights.md'
HEADINGS = dict(megabytes='MB', downloaded='local')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    either = parser.add_mutually_exclusive_group()
    either.add_argument(
        '--check',
        metavar='NAME',
        help='download these weights, predict a picture with them, and print the keypoints',
    )
    either.add_argument('--json', metavar='FILE', help='also write the list to this file')


def run(args: argparse.Namespace) -> None:
    if args.json:
        files.check_output(args.json, ('.json',))
    if args.check:
        check(args.check)
        return
    found = dict(models=models(), detectors=detectors())
    show(**found)
    if args.json:
        with files.replacing(args.json) as file:
            file.write_text(json.dumps(found, indent=2) + '\n', encoding='utf-8')


def models() -> list[dict[str, Any]]:
    """The facts about each model, in the order of the table."""
    from vitpose_plus.checkpoints.fetching import place
    from vitpose_plus.checkpoints.released import RELEASED

    return [
        dict(
            name=weights.name,
            makers=weights.makers,
            datasets=list(weights.datasets),
            config=weights.config,
            megabytes=weights.megabytes,
            flags=list(weights.flags),
            url=weights.url,
            sha256=weights.sha256,
            file=str(place(weights.url)),
            downloaded=place(weights.url).is_file(),
        )
        for weights in RELEASED.values()
    ]


def detectors() -> list[dict[str, Any]]:
    """The facts about each detector for ``--boxes``."""
    from vitpose_plus.inference.boxes.detectors import DETECTORS

    return [
        dict(
            name=name,
            classes=len(detector.classes),
            megabytes=detector.megabytes,
            licence=detector.licence,
            url=detector.url,
            sha256=detector.sha256,
            downloaded=detector.is_downloaded,
        )
        for name, detector in DETECTORS.items()
    ]


def show(models: list[dict[str, Any]], detectors: list[dict[str, Any]]) -> None:
    from rich.console import Console

    console = Console(highlight=False, markup=False)
    with console.capture() as text:
        columns = ('name', 'datasets', 'megabytes', 'flags', 'downloaded')
        console.print(table('--model', columns, models))
        columns = ('name', 'classes', 'megabytes', 'licence', 'downloaded')
        console.print(table('--boxes', columns, detectors))
        console.print(
            f'MB is approximate; ? means unknown. Origins and flags are explained in {GUIDE}.'
        )
    print(text.get(), end='')  # rich itself would exit if the reader, for example head, has ended


def table(title: str, columns: tuple[str, ...], rows: list[dict[str, Any]]) -> 'Table':
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    headings = [HEADINGS.get(name, name) for name in columns]
    result = Table(*headings, title=title, box=SIMPLE_HEAD, pad_edge=False)
    result.columns[0].no_wrap = True
    for column in result.columns:
        column.overflow = 'fold'
    for row in rows:
        result.add_row(*(cell(row[name]) for name in columns))
    return result


def cell(value: Any) -> str:
    """The text of a value in the table."""
    if isinstance(value, bool):
        return 'yes' if value else ''
    if isinstance(value, list):
        return ', '.join(value)
    return '?' if value is None else str(value)


def check(name: str) -> None:
    """Predicts the sample picture; prints name, x, y in pixels and score of each keypoint."""
    from vitpose_plus.checkpoints import released

    released.named(name)  # a predictor would also accept a config or a folder
    from vitpose_plus.inference.predictor import PosePredictor
    from vitpose_plus.inference.samples import ASTRONAUT

    predictor = PosePredictor(name, precision='fp32')
    for result in predictor(str(ASTRONAUT), boxes='whole'):
        print(f'{result.source}: {result.width}x{result.height} pixels')
        for instance in result.instances:
            print(f'\n{instance.dataset:<24}{"x":>8}{"y":>8}{"score":>8}')
            names = predictor.skeletons[instance.dataset].names
            for keypoint, (x, y), score in zip(
                names, instance.keypoints, instance.scores, strict=True
            ):
                print(f'{keypoint:<24}{x:8.1f}{y:8.1f}{score:8.3f}')
