"""The folder of synthetic figures: it is replaced only if all files in it were written here."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import rmtree

from vitpose_plus.datasets.figures.coco_style import FIRST_ID
from vitpose_plus.datasets.figures.film_writing import write_films
from vitpose_plus.datasets.figures.generate import Progress, write_datasets
from vitpose_plus.datasets.figures.record import RECORD, recorded, unexpected, write_record
from vitpose_plus.encoding import check_package
from vitpose_plus.errors import UserError
from vitpose_plus.files import new_folder

MAX_IMAGES = FIRST_ID['val'] - FIRST_ID['train']  # in a split; more would use ids of the next one
MAX_FILMS = 100_000
MAX_SECONDS = 100_000
FILMS = 'films'  # the folder of the films


def write_figures(
    root: str | Path,
    num_train: int = 600,
    num_val: int = 60,
    seed: int = 0,
    progress: Progress | None = None,
    force: bool = False,
    films: int = 0,
    seconds: float = 10.0,
    processes: int = 1,
) -> None:
    """Writes synthetic figures in the formats of the datasets of ViTPose+, and a record of them.

    The sets of pictures are COCO (with COCO-WholeBody), AIC, MPII, AP-10K, APT-36K, and one set
    with several people and animals in a picture. A picture depends only on the seed and on its own
    set, split and index. A film depends only on the seed, its index and its length.

    Args:
        root: A new or empty folder for the folders of the datasets. If it is a symbolic link, the
            folder that it points to is written.
        num_train: The number of pictures in the train split of every set.
        num_val: The number of pictures in the val split of every set.
        seed: The seed of all random numbers.
        progress: Wraps an iterable as ``progress(iterable, total=..., desc=...)``.
        force: Whether to replace a folder in which all files were written by this function.
        films: The number of films, for which PyAV is needed; see ``write_films``.
        seconds: The length of each film, about.
        processes: How many processes may compose the pictures. More than one need a script with
            ``if __name__ == '__main__'`` where Python starts processes anew (not by a fork).

    Raises:
        UserError: A number is out of its range, ``root`` may not be written, or PyAV is missing.
    """
    for name, number in dict(num_train=num_train, num_val=num_val).items():
        if not 1 <= number <= MAX_IMAGES:
            raise UserError(f'{name} is {number}: give a number from 1 to {MAX_IMAGES}.')
    if seed < 0:
        raise UserError(f'seed is {seed}: give 0 or more.')
    _check_films(films, seconds)
    arguments = dict(num_train=num_train, num_val=num_val, seed=seed)
    if films:
        arguments |= dict(films=films, seconds=seconds)
    with _replacement(Path(root), force) as new:
        write_datasets(new, num_train, num_val, seed, progress, processes)
        write_films(new / FILMS, films, seconds, seed, progress)
        write_record(new, **arguments)


def _check_films(films: int, seconds: float) -> None:
    """Raises a ``UserError`` if the films cannot be written."""
    if not 0 <= films <= MAX_FILMS:
        raise UserError(f'films is {films}: give a number from 0 to {MAX_FILMS}.')
    if not 0 < seconds <= MAX_SECONDS:
        raise UserError(f'seconds is {seconds}: give more than 0 and at most {MAX_SECONDS}.')
    if films:
        check_package('A film')


@contextmanager
def _replacement(root: Path, force: bool) -> Iterator[Path]:
    """Yields an empty folder, which replaces ``root`` at the end if no error occurs.

    Until the new folder is in its place, the old one is complete: a killed process leaves it there,
    or in a temporary folder beside it.
    """
    _check_place(root, force)
    place = Path(os.path.realpath(root))
    with _naming(root):
        place.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f'{place.name}.replaced.', dir=place.parent))
    new, old = temporary / 'new', temporary / 'old'
    try:
        with new_folder(new) as folder:
            yield folder
        _check_place(root, force)  # again, because writing takes a while
        with _naming(root):
            _exchange(place, new, old)
        if os.path.lexists(old):
            _delete(old)
    finally:
        rmtree(new, ignore_errors=True)  # it exists only if it did not replace the old one
        with suppress(OSError):  # it contains an old folder that is not empty
            temporary.rmdir()
    if os.path.lexists(old):
        raise UserError(
            f'{root} is written, but not all files of the old folder were deleted: look at {old}, '
            'and move it away.'
        )


def _check_place(root: Path, force: bool) -> None:
    """Raises a ``UserError`` if ``root`` may not be written."""
    place = Path(os.path.realpath(root))
    if not os.path.lexists(place):
        return
    if not place.is_dir():
        raise UserError(f'{root} is not a folder: give another name.')
    if Path.cwd().is_relative_to(place):
        raise UserError(f'{root} is or contains the working folder: name a folder in it.')
    with _naming(root):
        if not any(place.iterdir()):
            return
        if not force:
            raise UserError(f'{root} exists: name another folder, or replace it with --force.')
        digests = recorded(place)
        path = next(unexpected(place, digests or {}), None)
    if digests is None:
        raise UserError(
            f'{root} is not replaced, because it has no record ({RECORD}) of figures that were '
            'written there: move it away, or name another folder.'
        )
    if path is not None:
        raise UserError(
            f'{root} is not replaced, because {root / path} was not written with the figures, '
            'or was changed later: move it away, or name another folder.'
        )


def _exchange(place: Path, new: Path, old: Path) -> None:
    """Renames ``place``, if it exists, to ``old``, and ``new`` to ``place``: both or neither."""
    try:
        if os.path.lexists(place):
            os.rename(place, old)
        os.rename(new, place)
    except BaseException:
        if os.path.lexists(old) and not os.path.lexists(place):
            os.rename(old, place)
        raise


def _delete(folder: Path) -> None:
    """Deletes the files that were written with the figures, and keeps everything else."""
    kept = {folder / path for path in unexpected(folder, recorded(folder) or {})}
    for place, _, names in os.walk(folder, topdown=False):
        for file in {Path(place, name) for name in names} - kept:
            with suppress(OSError):
                file.unlink()
        if Path(place) not in kept:
            with suppress(OSError):  # it is not empty
                os.rmdir(place)


@contextmanager
def _naming(root: Path) -> Iterator[None]:
    """Adds the name of the folder to an error of the operating system."""
    try:
        yield
    except OSError as error:
        raise UserError(
            f'{root} cannot be written ({error.strerror}): choose another place.'
        ) from error
