"""The example of the page's first view, and the text of its button."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vitpose_plus.app.folders import EXAMPLES
from vitpose_plus.app.requests import GivenBoxes
from vitpose_plus.app.service import PoseService
from vitpose_plus.checkpoints import released
from vitpose_plus.datasets.figures.animal_shapes import sample_animal
from vitpose_plus.datasets.figures.draw import compose
from vitpose_plus.datasets.figures.person_shapes import sample_person
from vitpose_plus.errors import UserError
from vitpose_plus.inference.assignment import ANIMAL_DATASETS
from vitpose_plus.inference.boxes.detectors import DETECTORS
from vitpose_plus.inference.samples import ASTRONAUT
from vitpose_plus.inference.writing import write_picture

SEED = 0


class Example(NamedTuple):
    """A picture with the choices that predict it.

    Attributes:
        path: The file of the picture.
        dataset: A value of ``PoseService.datasets``.
        boxes: A value of ``PoseService.boxes``, or boxes as drawn by hand.
        title: The name of the picture.
    """

    path: Path
    dataset: str
    boxes: GivenBoxes
    title: str


class Maker(ABC):
    """Makes the example of a kind of models."""

    @staticmethod
    @abstractmethod
    def make(service: PoseService, model: str, dataset: str) -> Example: ...


class Figure(Maker):
    """A synthetic figure with its true boxes, for models that are trained on synthetic figures."""

    @staticmethod
    def make(service: PoseService, model: str, dataset: str) -> Example:
        sample = sample_animal if dataset in ANIMAL_DATASETS else sample_person
        scene = compose(np.random.default_rng(SEED), sample)
        path = service.root / EXAMPLES / f'{sample.__name__}.png'
        if not path.exists():
            write_picture(path, scene.image)
        boxes = np.clip([figure.box for figure in scene.figures], 0, scene.size * 2)
        has_boxes = bool(service.boxes(model, dataset))
        return Example(path, dataset, boxes.tolist() if has_boxes else None, 'a synthetic figure')


class Astronaut(Maker):
    """A photograph of one person, which comes with the package."""

    @staticmethod
    def make(service: PoseService, model: str, dataset: str) -> Example:
        choices = service.boxes(model, dataset)
        return Example(ASTRONAUT, dataset, choices[0].value if choices else None, 'a photograph')


# The value of ``predict.example`` in a config.
MAKERS: dict[str | None, type[Maker]] = {None: Astronaut, 'figures': Figure}


def example_of(service: PoseService, model: str) -> Example:
    """Returns the example for a model; this needs no download.

    Raises:
        UserError: The config of the model states an unknown example.
    """
    dataset = service.datasets(model)[0].value
    kind = service.facts(model).defaults.get('example')
    if kind not in MAKERS:
        raise UserError(
            f'The config of {model} has predict.example={kind!r}: give '
            f'{" or ".join(filter(None, MAKERS))}, or remove it.'
        )
    return MAKERS[kind].make(service, model, dataset)


def button_text(service: PoseService, model: str, boxes: GivenBoxes, text: str) -> str:
    """Adds to the text of a button what its click downloads, how much, and under which licence."""
    needed = [*_weights(service, model), *_detector(boxes)]
    return f'{text} (downloads {" and ".join(needed)})' if needed else f'{text} (no download)'


def licence_text(service: PoseService, model: str) -> list[str]:
    """The sentences about the licence of a model's weights; none for the user's own weights."""
    return [f'{flag}: {released.FLAGS[flag]}' for flag in service.origin(model).flags]


def _weights(service: PoseService, model: str) -> Iterator[str]:
    """Yields a phrase about the weights of a model if they are not downloaded yet."""
    origin = service.origin(model)
    weights = released.find(origin.model) if origin.checkpoint is None else None
    if weights is not None and not released.is_downloaded(weights):
        size = f'{weights.megabytes} MB' if weights.megabytes else 'of unknown size'
        flags = ', '.join(weights.flags) or 'none'
        licence = f'licence of the code: Apache-2.0, flags of the weights: {flags}'
        yield f'the weights {weights.name}, {size}, {licence}'


def _detector(boxes: GivenBoxes) -> Iterator[str]:
    """Yields a phrase about a detector if it may not be downloaded yet."""
    detector = DETECTORS.get(boxes) if isinstance(boxes, str) else None
    if detector is not None and not detector.is_downloaded:
        unless = ', unless it is there already' if detector.is_downloaded is None else ''
        yield f'the detector {boxes}, {detector.megabytes} MB, {detector.licence}{unless}'
