"""Where ``new-dataset`` writes, and how a config names the files of others."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vitpose_plus.errors import UserError
from vitpose_plus.experiments.new_dataset.texts import FOLDER
from vitpose_plus.files import replacing_folder, unwritable

OPTIONS = 'options.json'
FILES = ('dataset.py', 'config.py', 'annotations', 'held_out.txt', 'labels.png', OPTIONS)


@contextmanager
def dataset_folder(path: Path, force: bool) -> Iterator[Path]:
    """Gives an empty folder, which gets the name ``path`` if no error is raised.

    Args:
        path: The folder of the dataset.
        force: Whether a folder that was written before is replaced.

    Raises:
        UserError: The folder exists, or contains other files, or cannot be written.
    """
    check_place(path, force)
    with replacing_folder(path) as new:
        yield new


def check_place(path: Path, force: bool) -> None:
    """Raises a ``UserError`` if no folder of a dataset can be written at ``path``."""
    check_folder(path)
    if not os.path.lexists(path):
        return
    names = [each.name for each in path.iterdir() if not each.name.startswith('.')]
    others = sorted(set(names) - set(FILES))
    if others:
        raise UserError(
            f'{path} contains {others[0]}, which new-dataset does not write: give another --out, '
            'or move it away.'
        )
    if not force:
        raise UserError(f'{path} exists: give another --out, or replace it with --force.')


def check_folder(path: Path) -> None:
    """Raises a ``UserError`` if no folder can be written at the path of ``--out``."""
    if reason := unwritable(path.parent):
        raise UserError(f'{path} cannot be written, as {reason}: give another --out.')
    if os.path.lexists(path) and not path.is_dir():
        raise UserError(f'{path} is a file: give the name of a folder (--out).')


def place(path: Path, folder: Path) -> str:
    """A path seen from a folder if both are below the current folder, else the absolute path."""
    # Symbolic links are followed: the system does so, too, before it goes to a parent folder.
    here, path, folder = Path.cwd().resolve(), path.resolve(), folder.resolve()
    if path.is_relative_to(here) and folder.is_relative_to(here):
        return Path(os.path.relpath(path, folder)).as_posix()
    return path.as_posix()


def in_config(name: str, folder: Path) -> str:
    """A path as a config in a folder names it: seen from the folder, or absolute (``place``).

    Names of what does not exist here, as released weights and included configs, stay.
    """
    if not Path(name).exists():
        return name
    seen = place(Path(name), folder)
    return seen if Path(seen).is_absolute() else f'{FOLDER}/{seen}'


def in_options(path: Path, folder: Path) -> str:
    """A path as ``options.json`` in a folder names it: as ``in_config``, but with its links.

    Symbolic links are kept because pictures are searched near the link to a label file.
    """
    here, path, folder = Path.cwd(), Path(os.path.abspath(path)), folder.resolve()
    if path.is_relative_to(here) and folder.is_relative_to(here):
        return f'{FOLDER}/{Path(os.path.relpath(path, folder)).as_posix()}'
    return path.as_posix()


def from_options(text: str, folder: Path) -> str:
    """The path that ``options.json`` of a folder names; other texts, as released names, stay."""
    if not text.startswith(f'{FOLDER}/'):
        return text
    path = Path(os.path.abspath(folder.resolve() / text.removeprefix(f'{FOLDER}/')))
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
