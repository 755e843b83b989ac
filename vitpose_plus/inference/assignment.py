"""Assigns each instance to a dataset, by the class of its box."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence

from mmdet.datasets import CocoDataset

from vitpose_plus.errors import UserError

DEFAULT = 'coco'
ANIMAL, PERSON = 'animal', 'person'
# The ten animals of COCO.
ANIMALS = (
    *('bird', 'cat', 'dog', 'horse', 'sheep'),
    *('cow', 'elephant', 'bear', 'zebra', 'giraffe'),
)
OTHERS = frozenset(CocoDataset.METAINFO['classes']) - set(ANIMALS)
# COCO's mouse is a computer mouse; in other datasets, as in AP-10K, it is an animal.
KEYBOARD, MOUSE = 'keyboard', 'mouse'
ANIMAL_DATASETS = ('ap10k', 'apt36k')
PEOPLE_DATASETS = ('coco', 'coco_wholebody', 'aic', 'mpii', 'crowdpose', 'ochuman')


class Assignment(ABC):
    """Decides which dataset's keypoints are predicted for an instance.

    Attributes:
        datasets: All datasets that are used, in the order in which they are given.
    """

    datasets: tuple[str, ...]

    @abstractmethod
    def dataset_of(self, label: str | None) -> str | None:
        """Returns the dataset of an instance.

        Args:
            label: The class of the instance; None if it is not known.

        Returns:
            The name of the dataset; None if no pose is predicted for the instance.
        """


class OneDataset(Assignment):
    """One dataset for the instances of all classes, or of some classes.

    Args:
        dataset: The name of the dataset.
        labels: The classes for which poses are predicted; None: all.
    """

    def __init__(self, dataset: str, labels: Iterable[str] | None = None) -> None:
        self.datasets = (dataset,)
        self._labels = None if labels is None else frozenset(labels)

    def dataset_of(self, label: str | None) -> str | None:
        is_posed = self._labels is None or label is None or label in self._labels
        return self.datasets[0] if is_posed else None


class ByLabel(Assignment):
    """A dataset for every class.

    Args:
        by_label: Class -> dataset; no poses are predicted for other classes.
        datasets: All datasets that are used.
    """

    def __init__(self, by_label: Mapping[str, str], datasets: Iterable[str]) -> None:
        self.datasets = tuple(dict.fromkeys(datasets))
        self._by_label = dict(by_label)

    def dataset_of(self, label: str | None) -> str | None:
        return self._by_label.get(label)


def parse(
    text: str | Mapping[str, str] | None, datasets: Sequence[str], labels: Sequence[str] = ()
) -> Assignment:
    """Parses ``coco``, or ``person=coco_wholebody,animal=ap10k``, or a mapping of this content.

    ``animal`` is a short form for every class of animals that has no dataset of its own. A single
    dataset is used for all boxes, with two exceptions. If the boxes have the class ``person``, a
    dataset of people is used only for this class. If the boxes have classes of animals, a dataset
    of animals is used only for these classes.

    Args:
        text: The value of ``--dataset``; None: ``coco`` if the model has it, else the model's
            only dataset.
        datasets: The datasets of the model.
        labels: The classes that the boxes can have; empty if they are not known.

    Raises:
        UserError: A dataset or class is unknown or named twice, or the user has to choose a
            dataset.
    """
    if text is None:
        text = _default(datasets)
    wanted = named(text)
    _check_known(wanted, datasets)
    if _is_one(text):
        return OneDataset(*wanted, _labels_of(*wanted, labels))
    pairs = _pairs(text)
    keys = [key for key, _ in pairs]
    if twice := [key for key in keys if keys.count(key) > 1]:
        raise UserError(f'--dataset names {twice[0]} twice: give each class one dataset.')
    return ByLabel(_by_label(dict(pairs), labels), wanted)


def named(text: str | Mapping[str, str] | None) -> list[str]:
    """The datasets that are named in ``text``, whether the model has them or not."""
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


def _labels_of(dataset: str, labels: Sequence[str]) -> tuple[str, ...] | None:
    """The classes for which one dataset is used; None for all."""
    own = {name: [PERSON] for name in PEOPLE_DATASETS}
    own |= {name: animals(labels) for name in ANIMAL_DATASETS}
    return tuple(label for label in labels if label in own.get(dataset, ())) or None


def _by_label(given: dict[str, str], labels: Sequence[str]) -> dict[str, str]:
    """Class -> dataset. ``animal`` becomes the classes of animals; explicit names have priority."""
    group = dict.fromkeys(animals(labels), given[ANIMAL]) if ANIMAL in given else {}
    for key in given:
        if key not in labels and not (key == ANIMAL and group):
            classes = (
                f'the classes of the boxes are {", ".join(labels)}'
                if labels
                else 'the boxes have no classes'
            )
            raise UserError(
                f'--dataset names the class {key!r}, but {classes}: give one of these, or one '
                'dataset without a class.'
            )
    return group | {key: dataset for key, dataset in given.items() if key in labels}


def animals(labels: Sequence[str]) -> list[str]:
    """The classes of animals: all classes that are not among COCO's people and objects."""
    others = OTHERS if KEYBOARD in labels else OTHERS - {MOUSE}
    return [label for label in labels if label not in others]
