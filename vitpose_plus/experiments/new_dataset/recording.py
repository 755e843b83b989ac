"""Writes and reads the options of a dataset's folder: ``--add`` uses them again."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vitpose_plus.datasets.labels.copies import joined
from vitpose_plus.datasets.labels.loading import load_json
from vitpose_plus.datasets.labels.model import Labels
from vitpose_plus.datasets.labels.reading import read_groups
from vitpose_plus.errors import UserError
from vitpose_plus.experiments.new_dataset.options import CHECKED, Options
from vitpose_plus.experiments.new_dataset.places import OPTIONS
from vitpose_plus.files import replacing, sha256

AGAIN = 'run new-dataset with all labels again'


@dataclass(frozen=True)
class Collected:
    """Labels that are ready for a dataset.

    Attributes:
        options: The options of the dataset.
        labels: The labels; every picture has an instance.
        held_out: The rows of the pictures that are held out.
        notes: Sentences for the user.
    """

    options: Options
    labels: Labels
    held_out: Sequence[int]
    notes: Sequence[str] = ()


def recorded_labels(folder: Path) -> Labels:
    """Reads all labels of a dataset's folder again: old and added ones, with the held-out pictures.

    Copies of a picture in labels that were added are left out, as in the training.

    Args:
        folder: A folder that ``new-dataset`` wrote.

    Raises:
        UserError: The folder has no options, or its label files cannot be read.
    """
    options = read_options(folder)
    return joined(read_groups(options.groups, options.category, options.name))


def write_options(path: Path, options: Options, final: Path | None = None) -> None:
    """Writes the options, with the hashes of the other files, into a folder.

    Args:
        path: The folder, with the config and the entry.
        options: The options.
        final: The folder's later path, if it will be moved.
    """
    hashes = {name: sha256(path / name) for name in CHECKED}
    content = replace(options, sha256=hashes).to_json(final or path)
    with replacing(path / OPTIONS) as part:
        part.write_text(json.dumps(content, indent=2, ensure_ascii=False) + '\n', encoding='utf-8')


def read_options(folder: Path) -> Options:
    """Reads the options of a dataset's folder.

    Raises:
        UserError: The folder or its options are missing or damaged, or a label file is missing.
    """
    path = folder / OPTIONS
    if not folder.is_dir():
        raise UserError(f'{folder} is not a folder: make it first, with new-dataset NAME LABELS.')
    if not path.exists():
        raise UserError(f'{folder} has no {OPTIONS}: {AGAIN}.')
    try:
        content = load_json(path)
    except UserError as error:
        raise UserError(f'{path} cannot be read as json: {AGAIN}.') from error
    try:
        if not isinstance(content, dict):
            raise ValueError('it is no dict')
        options = Options.of_json(content, folder)
    except ValueError as error:
        raise UserError(f'{path} is damaged ({error}): {AGAIN}.') from error
    for group in options.groups:
        for file in group.files:
            if not file.exists():
                raise UserError(f'{path} names {file}, which is missing: restore it, or {AGAIN}.')
    return options


def check_unchanged(folder: Path, options: Options) -> None:
    """Raises a ``UserError`` if a file of the folder was changed by hand."""
    for name in CHECKED:
        path = folder / name
        if not path.is_file() or sha256(path) != options.sha256[name]:
            raise UserError(
                f'{path} was changed since new-dataset wrote it: write it anew with --force, which '
                'loses the changes.'
            )
