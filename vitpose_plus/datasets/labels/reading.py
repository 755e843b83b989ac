"""Reads label files of all formats."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vitpose_plus.datasets.labels.assembling import assemble
from vitpose_plus.datasets.labels.finding import finder
from vitpose_plus.datasets.labels.formats import FORMATS, TITLES
from vitpose_plus.datasets.labels.joining import as_declared, choose_category, used_categories
from vitpose_plus.datasets.labels.label_format import Content, LabelFormat
from vitpose_plus.datasets.labels.model import Labels
from vitpose_plus.errors import UserError

COLLECTED = 'CollectedData'  # the names of DeepLabCut's label files begin with it
LISTED = f'these are read: {"; ".join(TITLES)}'


@dataclass(frozen=True)
class LabelFiles:
    """Label files that are read together.

    Attributes:
        files: Label files, or folders of them.
        pictures: The folder below which their pictures are; None: near each label file.
    """

    files: tuple[Path, ...]
    pictures: Path | None = None


def read_labels(
    files: Sequence[Path], pictures: Path | None = None, category: str | None = None
) -> Labels:
    """Reads label files together, finds their pictures, and checks everything.

    Args:
        files: Label files, or folders: all label files below a folder are read, and they must have
            one format.
        pictures: The folder below which the pictures are, if they were moved since labelling.
        category: The kind of animal or object, if the files have several.

    Raises:
        UserError: The labels cannot be trained rightly; the message is one sentence with the file
            and its row or field.
    """
    [labels] = read_groups([LabelFiles(tuple(map(Path, files)), pictures)], category)
    return labels


def read_groups(
    groups: Sequence[LabelFiles], category: str | None = None, name: str | None = None
) -> list[Labels]:
    """Reads groups of label files, each of which may label pictures that others label, too.

    The keypoints and the category are those of the first group; the others must fit them.

    Args:
        groups: The groups, at least one.
        category: The kind of animal or object, if the files have several.
        name: Another name of the category in the later groups.

    Returns:
        The labels of each group. The names of their keypoints are equal.

    Raises:
        UserError: As ``read_labels``; also if the keypoints of a group are not those of the first.
    """
    first = choose_category(_read(groups[0]), category)
    [category] = used_categories(first) or [category]
    names = [as_declared(first)]
    labels = [assemble(first, finder(groups[0].pictures), names)]
    for group in groups[1:]:
        contents = _read(group)
        used = used_categories(contents)
        # Some formats have no categories: their labels are of the only kind of this dataset.
        wanted = next((each for each in (category, name) if each in used), category)
        chosen = choose_category(contents, wanted if used else None)
        labels.append(assemble(chosen, finder(group.pictures), names))
    return labels


def _read(group: LabelFiles) -> list[Content]:
    contents = [content for file in group.files for content in _contents(file)]
    if not contents:
        raise UserError('No label file is given: give at least one file or folder.')
    return contents


def _contents(path: Path) -> Iterator[Content]:
    if path.is_dir():
        yield from (kind(file).read(raw) for file, kind, raw in _in_folder(path))
        return
    raw, kind = _recognised(path)
    if kind is None:
        raise UserError(f'{path} has an unknown format: {LISTED}.')
    yield kind(path).read(raw)


def _recognised(path: Path) -> tuple[Any, type[LabelFormat] | None]:
    """The opened file and its format; None for an unknown format."""
    if not path.exists():
        raise UserError(f'{path} does not exist: correct the path.')
    load, kinds = FORMATS.get(path.suffix.lower(), (None, ()))
    if load is None:
        return None, None
    raw = load(path)
    return raw, next((kind for kind in kinds if kind.recognises(raw)), None)


def _in_folder(folder: Path) -> list[tuple[Path, type[LabelFormat], Any]]:
    """The label files below a folder; other files are ignored."""
    files = sorted(file for file in folder.rglob('*') if file.suffix.lower() in FORMATS)
    files = [file for file in files if file.name.startswith(COLLECTED)] or files
    # DeepLabCut writes the same labels as csv and h5.
    files = [f for f in files if f.suffix.lower() != '.h5' or f.with_suffix('.csv') not in files]
    opened = [(file, *_recognised(file)) for file in files]
    labels = [(file, kind, raw) for file, raw, kind in opened if kind is not None]
    first = {kind: file for file, kind, _ in reversed(labels)}
    if not first:
        raise UserError(f'{folder} has no label file below it: {LISTED}.')
    if len(first) > 1:
        one, other, *_ = first.values()
        raise UserError(
            f'{folder} has label files of several formats ({one}, {other}): give the files of '
            'one format.'
        )
    return labels
