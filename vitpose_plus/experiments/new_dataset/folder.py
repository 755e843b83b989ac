"""Writes the folder of a dataset of your own."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vitpose_plus.datasets.labels.boxes import BoxRule
from vitpose_plus.datasets.labels.guessing import SIGMA, swap_partners
from vitpose_plus.datasets.labels.model import LabelledPicture, Labels
from vitpose_plus.datasets.labels.splitting import write_held_out
from vitpose_plus.datasets.labels.turning import turning
from vitpose_plus.datasets.labels.writing import write_coco
from vitpose_plus.errors import UserError, closest
from vitpose_plus.experiments.new_dataset.looks import Look
from vitpose_plus.experiments.new_dataset.places import place
from vitpose_plus.experiments.new_dataset.sizing import Sized, rotation
from vitpose_plus.experiments.new_dataset.texts import Keypoints, config_text, entry_text


@dataclass(frozen=True)
class NewDataset:
    """A dataset that is ready to be written.

    Attributes:
        name: The name of the dataset.
        labels: The labels; every picture has an instance.
        held_out: The rows of the pictures that are held out.
        keypoints: The keypoints, with their partners and links.
        boxes: The name of the look, a key of ``LOOKS``.
        look: The kind of crops.
        flips: Whether pictures may be mirrored.
        below: The folder from which the annotation files name the pictures.
    """

    name: str
    labels: Labels
    held_out: Sequence[int]
    keypoints: Keypoints
    boxes: str
    look: Look
    flips: bool
    below: Path

    @property
    def training(self) -> list[int]:
        """The rows of the pictures of the training."""
        held_out = set(self.held_out)
        return [row for row in range(len(self.labels.pictures)) if row not in held_out]

    def boxes_wh(self) -> np.ndarray:
        """Widths and heights of the training's N boxes that give the shape of the input, (N, 2)."""
        pictures = [self.labels.pictures[row] for row in self.training]
        rule = self.look.shaping_rule()
        return np.array([wh for picture in pictures for wh in _boxes_wh(picture, rule)])

    def augmentation(self) -> dict[str, Sized]:
        """The changes of the augmentation, with reasons."""
        changes = dict(
            RandomBBoxTransform=self._rotation(),
            RandomHalfBody=Sized(None, 'needs an upper and a lower body'),
        )
        if not self.flips:
            changes['RandomFlip'] = Sized(
                None, 'never mirrored: --no-flip, or no partners; delete this line to mirror'
            )
        if self.look.after_box:
            changes['after_box'] = Sized(
                list(self.look.after_box), 'half of the samples are whole pictures'
            )
        return changes

    def _rotation(self) -> Sized:
        order = {name: number for number, name in enumerate(self.labels.names)}
        partners = [order[self.keypoints.swap.get(name, name)] for name in order]
        instances = [one for picture in self.labels.pictures for one in picture.instances]
        angle, reason = rotation(turning(instances, partners))
        return Sized(dict(rotate_factor=angle), reason)


def keypoints_of(
    labels: Labels, swap: Sequence[tuple[str, str]], links: Sequence[tuple[str, str]] = ()
) -> Keypoints:
    """Returns the keypoints with their partners; those that are not given are guessed.

    Args:
        labels: The labels.
        swap: Pairs of names that change places in a mirrored picture.
        links: Pairs of names between which a line is drawn, besides those of the labels.

    Raises:
        UserError: A name is unknown, or occurs twice in ``swap``.
    """
    _check_names('--swap', swap, labels.names)
    _check_names('--links', links, labels.names)
    given: dict[str, str] = {}
    for pair in swap:
        for name, other in (pair, pair[::-1]):
            if name in given or pair[0] == pair[1]:
                raise UserError(f'--swap names {name} twice: give each keypoint one partner.')
            given[name] = other
    guessed = swap_partners([name for name in labels.names if name not in given])
    comment = '; guessed from the names' if guessed else ''
    numbers = {name: number for number, name in enumerate(labels.names)}
    more = [(numbers[one], numbers[other]) for one, other in links]
    lines = tuple(dict.fromkeys([*labels.links, *more]))
    return Keypoints(labels.names, given | guessed, comment, lines, SIGMA)


def _check_names(option: str, pairs: Sequence[tuple[str, str]], names: Sequence[str]) -> None:
    for pair in pairs:
        for name in set(pair) - set(names):
            raise UserError(
                f'{option} {"=".join(pair)}: the labels have no keypoint '
                f'{name!r}{closest(difflib.get_close_matches(name, names, n=1))}: correct the name.'
            )


def write_folder(
    path: Path,
    new: NewDataset,
    arguments: dict[str, Sized],
    final: Path | None = None,
    function: str = 'own_dataset_config',
) -> None:
    """Writes the entry, the config and the annotations into an existing folder.

    Args:
        path: The folder.
        new: The dataset.
        arguments: The arguments of the function that the config calls.
        final: The folder's later path, if it will be moved.
        function: The function that the config calls.
    """
    labels, rule = new.labels, new.look.rule()
    paths = [picture.path for picture in labels.pictures]
    annotations = path / 'annotations'
    annotations.mkdir()
    for name, rows in (('train', new.training), ('val', new.held_out)):
        write_coco(labels, rows, annotations / f'{name}.json', new.name, rule, new.below)
    write_held_out(path / 'held_out.txt', new.held_out, paths, new.below)
    entry = entry_text(
        new.name,
        new.keypoints,
        new.boxes,
        new.look.comment,
        new.look.padding,
        new.augmentation(),
        place(new.below, (final or path).absolute()),
    )
    (path / 'dataset.py').write_text(entry, encoding='utf-8')
    config = config_text(new.name, arguments, function)
    (path / 'config.py').write_text(config, encoding='utf-8')


def _boxes_wh(picture: LabelledPicture, rule: BoxRule) -> list[np.ndarray]:
    return [rule.box(one, picture.size_wh)[2:] for one in picture.instances]
