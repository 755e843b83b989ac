"""Adds labels to the dataset of a folder, whose held-out pictures stay the same."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vitpose_plus.datasets.labels.copies import Contents, joint_links, without_copies
from vitpose_plus.datasets.labels.loading import load_json
from vitpose_plus.datasets.labels.model import LabelledPicture, Labels
from vitpose_plus.datasets.labels.reading import LabelFiles, read_groups
from vitpose_plus.datasets.labels.writing import file_name, flat
from vitpose_plus.errors import UserError
from vitpose_plus.experiments.new_dataset.looks import LOOKS
from vitpose_plus.experiments.new_dataset.options import Options
from vitpose_plus.experiments.new_dataset.recording import AGAIN, Collected
from vitpose_plus.files import about

HELD_OUT = 'held_out.txt'
PARTS = ('train', 'val')  # the annotation files


@dataclass(frozen=True)
class Recorded:
    """The pictures in the annotation files of a dataset's folder.

    Attributes:
        names: The names of all pictures, in the order of the dataset.
        held_out: Name of each held-out picture -> the keypoints of its instances, as in the file.
    """

    names: list[str]
    held_out: dict[str, list[list[float]]]


@dataclass(frozen=True)
class Joined:
    """The pictures of a dataset with those that are added.

    Attributes:
        known: Name -> picture, for the pictures that the dataset had, in its order.
        new: The other pictures, without copies.
        lost: The names of pictures that the dataset had, and that no label file has now.
        contents: The contents of the known and new pictures.
    """

    known: dict[str, LabelledPicture]
    new: list[LabelledPicture]
    lost: list[str]
    contents: Contents

    @property
    def pictures(self) -> list[LabelledPicture]:
        """All pictures."""
        return [*self.known.values(), *self.new]


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
    # Files that were added before are read once: they may have new pictures.
    options = replace(options, added=tuple(each for each in options.added if each != given))
    groups = read_groups([*options.groups, given], options.category, options.name)
    title, own = ', '.join(map(str, given.files)), groups[-1].labelled_pictures
    with about(title):
        LOOKS[options.boxes]().check(groups[-1])
    recorded = read_recorded(folder)
    joined = join(groups, recorded.names, options.below)
    _check_lost(folder, joined.lost, recorded, force)
    kept = {id(picture) for picture in joined.pictures}
    left_out = [picture for picture in own if id(picture) not in kept]
    if not joined.new and len(left_out) == len(own):
        raise UserError(
            f'{title}: {folder} has all these pictures already: label others, or, after a '
            f'correction, {AGAIN}, with --held-out {folder / HELD_OUT} --force.'
        )
    if len(left_out) < len(own):
        options = replace(options, added=(*options.added, given))
    labels = Labels(groups[0].names, joint_links(groups), joined.pictures)
    held_out = [row for row, name in enumerate(joined.known) if name in recorded.held_out]
    notes = _notes(joined, groups[-1], left_out, recorded.held_out)
    return Collected(options, labels, held_out, list(notes))


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
    known = {name: by_name[name] for name in names if name in by_name}
    contents = Contents(picture.path for picture in known.values())
    new = without_copies((each for name, each in named if name not in known), contents)
    return Joined(known, new, [name for name in names if name not in known], contents)


def read_recorded(folder: Path) -> Recorded:
    """Reads the annotation files of a dataset's folder.

    Raises:
        UserError: A file cannot be read.
    """
    training, held_out = (_read(folder / 'annotations' / f'{part}.json') for part in PARTS)
    names = {key: name for part in (training, held_out) for key, (name, _) in part.items()}
    return Recorded([names[key] for key in sorted(names)], dict(held_out.values()))


def _read(path: Path) -> dict[int, tuple[str, list[list[float]]]]:
    """The id of each picture -> its name, and the keypoints of its instances."""
    try:
        content = load_json(path)
        pictures = {image['id']: (image['file_name'], []) for image in content['images']}
        for one in content['annotations']:
            pictures[one['image_id']][1].append(one['keypoints'])
    except (LookupError, TypeError, UserError) as error:
        raise UserError(f'{path} is not as new-dataset writes it: {AGAIN}.') from error
    return pictures


def _check_lost(folder: Path, lost: Sequence[str], recorded: Recorded, force: bool) -> None:
    """Raises a ``UserError`` if pictures are lost that must not be."""
    what = 'which its label files do not label now: bring the label back'
    for name in lost:
        if name in recorded.held_out:
            raise UserError(f'{folder} holds out the picture {name}, {what}, or {AGAIN}.')
    if lost and not force:
        raise UserError(
            f'{folder} has {len(lost)} pictures, for example {lost[0]}, {what}, or give --force to '
            'leave them out.'
        )


def _notes(
    joined: Joined,
    given: Labels,
    left_out: Sequence[LabelledPicture],
    held_out: Mapping[str, list[list[float]]],
) -> Iterator[str]:
    yield f'New: {len(joined.new)} pictures, all for the training.'
    if empty := len(given.pictures) - len(given.labelled_pictures):
        yield f'{empty} pictures without labels are left out.'
    if left_out:
        paths = {joined.known[name].path for name in held_out}
        equal = [joined.contents.equal(picture.path) for picture in left_out]
        number = sum(not paths.isdisjoint(each) for each in equal)
        stay = f' Those that are held out ({number}) stay so.' if number else ''
        yield f'{len(left_out)} pictures are left out, as the dataset has them already.{stay}'
    if joined.lost:
        yield f'{len(joined.lost)} pictures are lost, because their labels were removed.'
    corrected = sum(
        [flat(one.points) for one in joined.known[name].instances] != keypoints
        for name, keypoints in held_out.items()
    )
    if corrected:
        yield f'{corrected} held-out pictures have new labels: compare no errors with earlier ones.'
