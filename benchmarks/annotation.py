"""Progressive annotation by simulation: the error against the number of labelled pictures.

    python benchmarks/annotation.py labels/ --held-out held_out.txt --like ap10k
        --of vitpose-plus-tiny_figures-256x192 tests/data/tiny_figures.pth

A training begins with a few labelled pictures. Then pictures are added several times, by
``suggest`` and at random. The labels of the added pictures are the true ones: they replace the
person who corrects predictions. Every step is a command of the package, in its own process. Boxes
are those around the true points, in training and in ``suggest``, as of a perfect detector. All
trainings start from the given ViTPose+ and have the same number of iterations. The error is that of
the held-out pictures, in pixels. ``--json`` gets the raw figures, ``--chart`` a chart.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np

from vitpose_plus import files
from vitpose_plus.datasets.labels import Labels, read_labels
from vitpose_plus.datasets.labels.boxes import BoxesFromPoints
from vitpose_plus.datasets.labels.splitting import ListedSplit
from vitpose_plus.datasets.labels.writing import write_coco

NAME = 'animal'
MEASURES = ('mean_px', 'median_px', 'pck_5px')


@dataclass
class Course:
    """The course of one simulated annotation.

    Attributes:
        folder: Its working folder.
        labels: All labels.
        held_out: The rows of the held-out pictures.
        known: The rows of the pictures that are labelled so far.
        words: The options of ``new-dataset``.
        options: The options of ``train``.
        errors: The errors after each training.
    """

    folder: Path
    labels: Labels
    held_out: list[int]
    known: list[int]
    words: list[str]
    options: list[str]
    errors: list[dict[str, float]] = field(default_factory=list)

    @property
    def left(self) -> list[int]:
        """The rows of the pictures that can be labelled."""
        rows = range(len(self.labels.pictures))
        return [row for row in rows if row not in {*self.held_out, *self.known}]

    def call(self, *words: str) -> str:
        """Runs a command of the package; returns what it prints."""
        program = [sys.executable, '-m', 'vitpose_plus', *words]
        done = subprocess.run(program, cwd=self.folder, capture_output=True, text=True)
        (self.folder / 'log.txt').open('a').write(done.stdout + done.stderr)
        if done.returncode:
            raise SystemExit(f'{words}: {done.stderr[-2000:]}')
        return done.stdout

    def write(self, name: str, rows: Sequence[int]) -> str:
        """Writes the true labels of some pictures as a file."""
        file = self.folder / name
        write_coco(self.labels, rows, file, NAME, BoxesFromPoints(), self.folder)
        return str(file)

    def begin(self) -> None:
        """Makes the dataset of the first pictures, and trains."""
        first = self.write('first.json', [*self.known, *self.held_out])
        held_out = self.folder / 'held_out.txt'
        paths = [str(self.labels.pictures[row].path) for row in self.held_out]
        held_out.write_text('\n'.join(paths) + '\n')
        self.call('new-dataset', NAME, first, '--held-out', str(held_out), *self.words)
        self.train()

    def add(self, rows: Sequence[int]) -> None:
        """Labels pictures, adds them, and trains again from the start."""
        self.known += rows
        added = self.write(f'added_{len(self.known)}.json', rows)
        self.call('new-dataset', NAME, '--add', added)
        self.train()

    def train(self) -> None:
        self.call('train', NAME, '--force', '--cfg-options', *self.options)
        report = json.loads((self.folder / 'work_dirs' / NAME / 'report.json').read_text())
        overall = report['splits']['held_out']['overall']
        self.errors.append({key: overall[key] for key in MEASURES})


class Choice(ABC):
    """A way to choose the pictures that are labelled next."""

    title: str

    @abstractmethod
    def rows(self, course: Course, count: int, seed: int) -> list[int]:
        """Returns rows of pictures."""


class AtRandom(Choice):
    title = 'at random'

    def rows(self, course: Course, count: int, seed: int) -> list[int]:
        random = np.random.default_rng([seed, len(course.known)])
        return random.permutation(course.left)[:count].tolist()


class Suggested(Choice):
    title = 'suggested'

    def rows(self, course: Course, count: int, seed: int) -> list[int]:
        by_path = {str(each.path): row for row, each in enumerate(course.labels.pictures)}
        boxes = course.write('boxes.json', course.left)
        paths = {path: row for path, row in by_path.items() if row in course.left}
        sources = course.folder / 'sources.txt'
        sources.write_text('\n'.join(paths) + '\n')
        out = course.folder / 'suggested'
        words = ['--model', f'work_dirs/{NAME}', '--boxes', boxes, '--labelled', NAME]
        words += ['--count', str(count), '--out', str(out), '--force']
        course.call('suggest', f'@{sources}', *words)
        pictures = json.loads((out / 'annotations.json').read_text())['images']
        return [self._row(paths, each['file_name']) for each in pictures]

    def _row(self, paths: dict[str, int], name: str) -> int:
        tail = name.removeprefix('images/')
        [row] = [row for path, row in paths.items() if path.endswith(f'/{tail}')]
        return row


CHOICES: list[Choice] = [AtRandom(), Suggested()]


def begun(args: argparse.Namespace, root: Path, seed: int) -> Course:
    """The course of a seed until the first training; all choices go on from it."""
    labels = read_labels([Path(args.labels).absolute()])
    held_out = ListedSplit(Path(args.held_out)).held_out([each.path for each in labels.pictures])
    others = [row for row in range(len(labels.pictures)) if row not in held_out]
    known = np.random.default_rng(seed).permutation(others)[: args.start].tolist()
    config, checkpoint = args.of
    words = ['--expert-of', config, os.path.abspath(checkpoint), '--like', args.like]
    words += ['--boxes', 'points']
    options = [f'randomness.seed={seed}', *args.train_options]
    folder = root / f'{seed}_first'
    folder.mkdir()
    course = Course(folder, labels, held_out, known, words, options)
    course.begin()
    return course


def ended(args: argparse.Namespace, first: Course, seed: int, choice: Choice) -> Course:
    """Adds pictures several times, by one choice."""
    folder = first.folder.with_name(f'{seed}_{choice.title.replace(" ", "_")}')
    shutil.copytree(first.folder, folder, symlinks=True)
    course = replace(first, folder=folder, known=[*first.known], errors=[*first.errors])
    for _ in range(args.rounds):
        course.add(choice.rows(course, args.add, seed))
    print(seed, choice.title, json.dumps(course.errors), flush=True)
    return course


def simulated(args: argparse.Namespace, root: Path) -> dict[str, list]:
    """Title of each choice -> the errors of every seed."""
    with ThreadPoolExecutor(args.jobs) as pool:
        firsts = list(pool.map(partial(begun, args, root), args.seeds))
        courses = {
            choice.title: [
                pool.submit(ended, args, first, seed, choice)
                for first, seed in zip(firsts, args.seeds, strict=True)
            ]
            for choice in CHOICES
        }
        return {title: [each.result().errors for each in own] for title, own in courses.items()}


def draw(found: dict[str, list], numbers: Sequence[int], path: str) -> None:
    """Draws the mean errors: the means of the seeds as lines, and their ranges as areas."""
    from matplotlib.figure import Figure

    figure = Figure((6.4, 4), layout='constrained')
    axes = figure.subplots()
    for title, courses in found.items():
        errors = table_of(courses, MEASURES[0])
        [line] = axes.plot(numbers, errors.mean(0), marker='o', label=title)
        axes.fill_between(numbers, errors.min(0), errors.max(0), alpha=0.2, color=line.get_color())
    axes.set_xlabel('labelled pictures')
    axes.set_ylabel('mean error on held-out pictures (pixels)')
    axes.set_xticks(numbers)
    axes.set_ylim(bottom=0)
    axes.legend(title=f'means and ranges of {len(courses)} seeds')
    figure.savefig(path, dpi=120)


def table_of(courses: list, measure: str) -> np.ndarray:
    """The values of a measure: a row for each seed, a column for each training."""
    return np.array([[errors[measure] for errors in course] for course in courses])


def row(title: str, errors: np.ndarray) -> str:
    """A row of the table: means over the seeds, and the ranges."""
    cells = zip(errors.mean(0), errors.min(0), errors.max(0), strict=True)
    return f'| {title} | ' + ' | '.join(f'{m:.2f} ({a:.2f} to {b:.2f})' for m, a, b in cells) + ' |'


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('labels')
    parser.add_argument('--held-out', required=True)
    parser.add_argument('--of', nargs=2, required=True, metavar=('CONFIG', 'CHECKPOINT'))
    parser.add_argument('--like', required=True)
    parser.add_argument('--start', type=int, default=20)
    parser.add_argument('--add', type=int, default=15)
    parser.add_argument('--rounds', type=int, default=4)
    parser.add_argument('--seeds', nargs='+', type=int, default=[0, 1, 2])
    parser.add_argument('--train-options', nargs='+', default=[], metavar='KEY=VALUE')
    parser.add_argument('--jobs', type=int, default=1, help='trainings at the same time')
    parser.add_argument('--json')
    parser.add_argument('--chart')
    return parser.parse_args()


def main() -> None:
    args = parsed()
    with tempfile.TemporaryDirectory() as root:
        found = simulated(args, Path(root))
    numbers = [args.start + args.add * number for number in range(args.rounds + 1)]
    print(f'| pictures | {" | ".join(map(str, numbers))} |')
    for measure in MEASURES:
        for title, courses in found.items():
            print(row(f'{title}, {measure}', table_of(courses, measure)))
    if args.json:
        with files.replacing(args.json) as part:
            content = dict(numbers=numbers, seeds=args.seeds, **found)
            part.write_text(json.dumps(content, indent=2) + '\n')
    if args.chart:
        draw(found, numbers, args.chart)


if __name__ == '__main__':
    main()
