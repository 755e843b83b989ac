"""The choices of the page: the keypoints of a model, and the boxes."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from vitpose_plus.errors import UserError
from vitpose_plus.inference.assignment import (
    ANIMAL,
    ANIMAL_DATASETS,
    DEFAULT,
    PEOPLE_DATASETS,
    PERSON,
    animals,
    named,
    parse,
)
from vitpose_plus.inference.boxes.detectors import DETECTORS
from vitpose_plus.inference.boxes.kinds import REFINE, WHOLE
from vitpose_plus.inference.boxes.trained import OnCrops, trained_with
from vitpose_plus.inference.defaults import BOXES
from vitpose_plus.inference.estimators import TopDown
from vitpose_plus.inference.facts import Facts

HAND = 'hand'  # the boxes that are drawn by hand


class Choice(NamedTuple):
    """A choice of the page.

    Attributes:
        title: The text that the user reads.
        value: The value that the service expects.
    """

    title: str
    value: str


TITLES = {
    WHOLE: 'the whole picture',
    REFINE: 'one animal: the whole picture, then the box around its keypoints',
    HAND: 'drawn by hand',
}


def datasets_of(facts: Facts) -> list[Choice]:
    """Returns the choices of keypoints: each dataset, and a rule for people and animals.

    The first choice is the default of ``vitpose predict``, if the model has one.
    """
    values = [*facts.datasets, *_rules(facts.datasets)]
    default = facts.defaults.get('dataset', DEFAULT)
    titles = {value: f'people and animals ({value})' for value in _rules(facts.datasets)}
    if named(default) and set(named(default)) <= set(facts.datasets):
        values = [default, *values]
    return [Choice(titles.get(value, value), value) for value in dict.fromkeys(values)]


def _rules(datasets: Sequence[str]) -> Iterator[str]:
    """Yields the rule for the model's first dataset of people and its first one of animals."""
    person = [name for name in PEOPLE_DATASETS if name in datasets]
    animal = [name for name in ANIMAL_DATASETS if name in datasets]
    if person and animal:
        yield f'{PERSON}={person[0]},{ANIMAL}={animal[0]}'


def boxes_of(facts: Facts, dataset: str, detectors: Iterable[str]) -> list[Choice]:
    """Returns the choices of boxes; none for a bottom-up model.

    Args:
        facts: The facts about the model.
        dataset: The value of the chosen keypoints.
        detectors: The names or folders of the detectors.
    """
    if not issubclass(facts.network, TopDown.network):
        return []
    trained = trained_with(facts.defaults.get('boxes', BOXES))
    own = [] if isinstance(trained, OnCrops) else [trained.default('')]
    found = [name for name in detectors if _finds(name, dataset)]
    if own == [BOXES]:  # no default of the config
        own = []
    without_classes = [] if needs_classes(facts, dataset) else [HAND, WHOLE]
    values = [*own, *found, *without_classes]
    return [Choice(_title(value), value) for value in dict.fromkeys(values)]


def needs_classes(facts: Facts, dataset: str) -> bool:
    """Whether the keypoints depend on the classes of the boxes."""
    try:
        parse(dataset, facts.datasets)
    except UserError:
        return True
    return False


def _finds(detector: str, dataset: str) -> bool:
    """Whether a detector has the classes of these keypoints; True if its classes are not known."""
    released = DETECTORS.get(detector)
    if released is None or not set(named(dataset)) & set(ANIMAL_DATASETS):
        return True
    return bool(animals(released.classes))


def _title(value: str) -> str:
    released = DETECTORS.get(value)
    if released is None:
        return TITLES.get(value, f'the detector {Path(value).name}')
    found = 'people and animals' if animals(released.classes) else 'people'
    return f'{found}, by the detector {value}'


def check_choice(value: str, choices: Iterable[str], what: str) -> None:
    """Raises a ``UserError`` if a value is not among the choices of the page."""
    choices = list(choices)
    if value not in choices:
        raise UserError(f'The page has no {what} {value!r}: choose one of {", ".join(choices)}.')
