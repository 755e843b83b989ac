"""Adds labels to the dataset of a folder, whose held-out pictures stay the same."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vitpose_plus.datasets.labels.copies import Contents, joint_links, without_copies
from vitpose_plus.datasets.labels.loading import load_json
from vitpose_plus.datasets.labels.model import LabelledPicture, Labels
from vitpose_plus.datasets.labels.reading import LabelFiles, read_groups
from vitpose_plus.datasets.labels.writing import file_name
from vitpose_plus.errors import UserError
from vitpose_plus.experiments.new_dataset.looks import LOOKS
from vitpose_plus.experiments.new_dataset.options import Options
from vitpose_plus.experiments.new_dataset.recording import AGAIN, Collected
from vitpose_plus.files import about

HELD_OUT = 'held_out.txt'
PARTS = ('train', 'val')  # of the annotation files


@dataclass(frozen=True)
class Joined:
    """The pictures of a dataset with those that are added.

    Attributes:
        known: The pictures that the dataset had, in its order.
        new: The other pictures, without copies.
        lost: The names of pictures that the dataset had, and that no label file has now.
        contents: The contents of the known and new pictures.
    """

    known: list[LabelledPicture]
    new: list[LabelledPicture]
    lost: list[str]
    contents: Contents

    @property
    def pictures(self) -> list[LabelledPicture]:
        """All pictures."""
        return [*self.known, *self.new]


def add_labels(folder: Path, options: Options, given: LabelFiles, force: bool = False) -> Collected:
    """Reads the labels of a folder again, and adds others.

    The pictures that the folder has come first, in its order; the others are for the training. A
    picture that is equal to an earlier one, byte by byte, is left out: so a copy of a held-out
    picture is never trained on.

    Args:
        folder: The folder of the dataset.
        options: Its options.
        given: The label files to add.
        force: Whether pictures may be lost, because their labels were removed from the files.

    Raises:
        UserError: Labels cannot be read, do not fit those of the folder, or have no new picture.
    """
    groups = read_groups([*options.groups, given], options.category)
    title, own = ', '.join(map(str, given.files)), groups[-1].labelled_pictures
    with about(title):
        LOOKS[options.boxes]().check(groups[-1])
    names, held_out = recorded_names(folder)
    joined = join(groups, names, options.below)
    _check_lost(folder, joined.lost, held_out, force)
    kept = {id(picture) for picture in joined.pictures}
    left_out = [picture for picture in own if id(picture) not in kept]
    if not joined.new and len(left_out) == len(own):
        raise UserError(
            f'{title}: {folder} has all these pictures already: label others, or, after a '
            f'correction, {AGAIN}, with --held-out {folder / HELD_OUT} --force.'
        )
    if len(left_out) < len(own):
        options = replace(options, added=(*options.added, given))
    rows = [
        row
        for row, picture in enumerate(joined.known)
        if file_name(picture.path, options.below) in held_out
    ]
    labels = Labels(groups[0].names, joint_links(groups), joined.pictures)
    notes = _notes(joined, groups[-1], left_out, {joined.known[row].path for row in rows})
    return Collected(options, labels, rows, list(notes))


def join(groups: Sequence[Labels], names: Sequence[str], below: Path) -> Joined:
    """Joins the labels of groups.

    Args:
        groups: The groups. If several have a picture, that of the first is taken.
        names: The names of the pictures that the dataset has, in its order.
        below: The folder from which these names lead to the pictures.
    """
    pictures = [picture for group in groups for picture in group.labelled_pictures]
    named = [(file_name(picture.path, below), picture) for picture in pictures]
    by_name = dict(reversed(named))
    known = [by_name[name] for name in names if name in by_name]
    contents = Contents(picture.path for picture in known)
    earlier = set(names)
    new = without_copies((each for name, each in named if name not in earlier), contents)
    return Joined(known, new, [name for name in names if name not in by_name], contents)


def recorded_names(folder: Path) -> tuple[list[str], set[str]]:
    """Reads the names of the pictures in the annotation files of a dataset's folder.

    Returns:
        The names of all pictures in the order of the dataset, and those that are held out.

    Raises:
        UserError: A file cannot be read.
    """
    training, held_out = (_names(folder / 'annotations' / f'{part}.json') for part in PARTS)
    names = training | held_out
    return [names[key] for key in sorted(names)], set(held_out.values())


def _names(path: Path) -> dict[int, str]:
    """The id of each picture -> its name."""
    try:
        return {image['id']: image['file_name'] for image in load_json(path)['images']}
    except (LookupError, TypeError) as error:
        raise UserError(f'{path} has no list of images: {AGAIN}.') from error


def _check_lost(folder: Path, lost: Sequence[str], held_out: set[str], force: bool) -> None:
    """Raises a ``UserError`` if pictures are lost that must not be."""
    what = 'which its label files do not label now: bring the label back'
    for name in lost:
        if name in held_out:
            raise UserError(f'{folder} holds out the picture {name}, {what}, or {AGAIN}.')
    if lost and not force:
        raise UserError(
            f'{folder} has {len(lost)} pictures, for example {lost[0]}, {what}, or give --force to '
            'leave them out.'
        )


def _notes(
    joined: Joined, given: Labels, left_out: Sequence[LabelledPicture], held_out: set[Path]
) -> Iterator[str]:
    yield f'New: {len(joined.new)} pictures, all for the training.'
    if empty := len(given.pictures) - len(given.labelled_pictures):
        yield f'{empty} pictures without labels are left out.'
    if left_out:
        equal = [joined.contents.equal(picture.path) for picture in left_out]
        number = sum(not held_out.isdisjoint(paths) for paths in equal)
        stay = f' Those that are held out ({number}) stay so.' if number else ''
        yield f'{len(left_out)} pictures are left out, as the dataset has them already.{stay}'
    if joined.lost:
        yield f'{len(joined.lost)} pictures are lost, because their labels were removed.'
