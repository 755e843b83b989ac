"""Which dataset poses an instance, by the class that its box has."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence

from mmdet.datasets import CocoDataset

from vitpose_plus.errors import UserError

DEFAULT = 'coco'
ANIMAL, PERSON = 'animal', 'person'
# COCO's ten.
ANIMALS = (
    *('bird', 'cat', 'dog', 'horse', 'sheep'),
    *('cow', 'elephant', 'bear', 'zebra', 'giraffe'),
)
OTHERS = frozenset(CocoDataset.METAINFO['classes']) - set(ANIMALS)
# COCO's mouse is a thing beside its keyboard; elsewhere, as in AP-10K, it is an animal.
KEYBOARD, MOUSE = 'keyboard', 'mouse'
ANIMAL_DATASETS = ('ap10k', 'apt36k')
PEOPLE_DATASETS = ('coco', 'coco_wholebody', 'aic', 'mpii', 'crowdpose', 'ochuman')


class Assignment(ABC):
    """Which dataset poses an instance.

    Attributes:
        datasets: All that are used, in the order in which they are given.
    """

    datasets: tuple[str, ...]

    @abstractmethod
    def dataset_of(self, label: str | None) -> str | None:
        """Of an instance with that class, None if the class is not known.

        Returns:
            None if it is not posed.
        """


class OneDataset(Assignment):
    """One dataset, of instances of all classes or of some.

    Args:
        dataset: Its name.
        labels: Classes that are posed; None: all.
    """

    def __init__(self, dataset: str, labels: Iterable[str] | None = None) -> None:
        self.datasets = (dataset,)
        self._labels = None if labels is None else frozenset(labels)

    def dataset_of(self, label: str | None) -> str | None:
        is_posed = self._labels is None or label is None or label in self._labels
        return self.datasets[0] if is_posed else None


class ByLabel(Assignment):
    """A dataset for every class, by its name.

    Args:
        by_label: Other classes are not posed.
        datasets: All that are used.
    """

    def __init__(self, by_label: Mapping[str, str], datasets: Iterable[str]) -> None:
        self.datasets = tuple(dict.fromkeys(datasets))
        self._by_label = dict(by_label)

    def dataset_of(self, label: str | None) -> str | None:
        return self._by_label.get(label)


def parse(
    text: str | Mapping[str, str] | None, datasets: Sequence[str], labels: Sequence[str] = ()
) -> Assignment:
    """From ``coco``, or ``person=coco_wholebody,animal=ap10k``, or the same as a mapping.

    ``animal`` stands for every class of animals that is not named itself. One dataset of people
    takes the class ``person`` alone, one of animals takes animals, where the boxes have such a
    class; else all are posed.

    Args:
        text: None: ``coco`` if the model has it, else its only dataset.
        datasets: Those of the model.
        labels: Classes that the boxes can have; none: they are not known.

    Raises:
        UserError: A dataset or class is unknown, or named twice; or it has to be chosen.
    """
    if text is None:
        text = _default(datasets)
    wanted = named(text)
    _check_known(wanted, datasets)
    if _is_one(text):
        return OneDataset(*wanted, _taken(*wanted, labels))
    pairs = _pairs(text)
    keys = [key for key, _ in pairs]
    if twice := [key for key in keys if keys.count(key) > 1]:
        raise UserError(f'--dataset names {twice[0]} twice: give each class one dataset.')
    return ByLabel(_by_label(dict(pairs), labels), wanted)


def named(text: str | Mapping[str, str] | None) -> list[str]:
    """The datasets that ``parse`` would take, whoever has them."""
    if text is None:
        return []
    return [text.strip()] if _is_one(text) else [dataset for _, dataset in _pairs(text)]


def _is_one(text: str | Mapping[str, str]) -> bool:
    return isinstance(text, str) and '=' not in text and ',' not in text


def _default(datasets: Sequence[str]) -> str:
    if DEFAULT in datasets:
        return DEFAULT
    if len(datasets) == 1:
        return datasets[0]
    raise UserError(
        f'The model has the datasets {", ".join(datasets)}: choose with --dataset DATASET, or by '
        'the class of a box with --dataset CLASS=DATASET,CLASS=DATASET.'
    )


def _check_known(given: list[str], datasets: Sequence[str]) -> None:
    for dataset in given:
        if dataset not in datasets:
            raise UserError(
                f'--dataset names {dataset!r}, which the model does not have: give one of '
                f'{", ".join(datasets)}.'
            )


def _pairs(text: str | Mapping[str, str]) -> list[tuple[str, str]]:
    if isinstance(text, Mapping):
        if not text:
            raise UserError('--dataset names no dataset: give one, or leave it out.')
        return list(text.items())
    pairs = [tuple(word.strip() for word in part.split('=')) for part in text.split(',')]
    if any(len(pair) != 2 or not all(pair) for pair in pairs):
        raise UserError(
            f'--dataset is {text!r}: give one dataset, or several by the class of a box, as '
            'person=coco,animal=ap10k.'
        )
    return pairs


def _taken(dataset: str, labels: Sequence[str]) -> tuple[str, ...] | None:
    """The classes that one dataset takes; None for all."""
    own = {name: [PERSON] for name in PEOPLE_DATASETS}
    own |= {name: animals(labels) for name in ANIMAL_DATASETS}
    return tuple(label for label in labels if label in own.get(dataset, ())) or None


def _by_label(given: dict[str, str], labels: Sequence[str]) -> dict[str, str]:
    """Every class's dataset; ``animal`` is spelt out, and the classes' own names have priority."""
    group = dict.fromkeys(animals(labels), given[ANIMAL]) if ANIMAL in given else {}
    for key in given:
        if key not in labels and not (key == ANIMAL and group):
            classes = (
                f'whose classes are {", ".join(labels)}' if labels else 'which have no classes'
            )
            raise UserError(
                f'--dataset names the class {key!r}, which is not a class of the boxes, {classes}: '
                'give one of these, or one dataset without a class.'
            )
    return group | {key: dataset for key, dataset in given.items() if key in labels}


def animals(labels: Sequence[str]) -> list[str]:
    """Those that are no people, and no things that COCO's detectors find."""
    others = OTHERS if KEYBOARD in labels else OTHERS - {MOUSE}
    return [label for label in labels if label not in others]
