"""Writes complete files and folders or none, and replaces a file only if that is allowed."""

import hashlib
import os
import re
import tempfile
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import rmtree

from vitpose_plus.errors import UserError

PICTURES = ('.png', '.jpg', '.jpeg', '.bmp', '.webp', '.tif', '.tiff')  # OpenCV writes them
UNFINISHED = '.part-'  # in names of temporary folders for files that are being written


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Gives a temporary name for a new file, which is renamed to ``path`` if no error is raised.

    At every moment there is a complete file at ``path``: the new file is on the disk before it
    replaces the old one. If ``path`` is a symbolic link, the file that it points to is replaced.
    The temporary name has the suffix of ``path``.
    """
    path = Path(os.path.realpath(path))
    _refuse_special(path)
    with _temporary_folder(path) as folder:
        new = folder / path.name
        yield new
        _flush(new)
        os.replace(new, path)
        _flush_names(path.parent)


@contextmanager
def new_folder(path: str | Path) -> Iterator[Path]:
    """Gives a new empty folder, which is renamed to ``path`` if no error is raised.

    Raises:
        UserError: ``path`` exists already.
    """
    path = Path(path)
    if os.path.lexists(path):
        raise UserError(f'{path} exists: give another name, or move it away.')
    with _temporary_folder(path) as folder:
        new = folder / path.name
        new.mkdir()
        yield new
        for file in filter(Path.is_file, new.rglob('*')):
            _flush(file)
        os.rename(new, path)
        _flush_names(path.parent)


@contextmanager
def replacing_folder(path: str | Path) -> Iterator[Path]:
    """Gives a new empty folder of the same name, which replaces ``path`` if no error is raised.

    The old folder, if there is one, is complete until then. The caller checks that it may be lost.

    Raises:
        UserError: The old folder cannot be replaced, for example if one of its files is open.
    """
    path = Path(os.path.realpath(path))
    if not os.path.lexists(path):
        with new_folder(path) as new:
            yield new
        return
    with _temporary_folder(path) as folder:
        made = folder / 'new' / path.name
        with new_folder(made) as new:
            yield new
        try:
            os.rename(path, folder / 'old')
            try:
                os.rename(made, path)
            except BaseException:
                os.rename(folder / 'old', path)
                raise
        except OSError as error:
            raise UserError(
                f'{path} cannot be replaced ({error.strerror}): close its files, or give another '
                'name.'
            ) from error
        _flush_names(path.parent)


@contextmanager
def _temporary_folder(path: Path) -> Iterator[Path]:
    """A temporary folder beside ``path``, on the same disk. It is deleted at the end."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f'.{path.name}{UNFINISHED}', dir=path.parent))
    except OSError as error:
        raise UserError(
            f'{path} cannot be written ({error.strerror}): choose another place.'
        ) from error
    try:
        yield folder
    finally:
        rmtree(folder, ignore_errors=True)


def remove_unfinished(folder: str | Path, names: Iterable[str]) -> None:
    """Removes the temporary folders of files that a killed process was writing (``replacing``).

    Args:
        folder: The folder of these files.
        names: The names of these files, or patterns.
    """
    for name in names:
        for temporary in Path(folder).glob(f'.{name}{UNFINISHED}*'):
            rmtree(temporary, ignore_errors=True)


def _flush(path: Path, flags: int = os.O_RDWR) -> None:
    """Waits until a file is on the disk; on Windows it must be open for writing."""
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _flush_names(folder: Path) -> None:
    """Waits until the names in a folder are on the disk, if the system can."""
    with suppress(OSError):  # Windows and some network disks cannot
        _flush(folder, os.O_RDONLY)


def check_output(path: str | Path, endings: Collection[str] = ()) -> None:
    """Raises a ``UserError`` if no file can be written at ``path``; its folder may be missing.

    Args:
        path: The path of the file.
        endings: The allowed endings of the name, in lower or upper case; if empty, all are allowed.
    """
    if endings and not str(path).lower().endswith(tuple(endings)):
        raise UserError(f'{path} must end in {" or ".join(endings)}: give another name.')
    if os.path.isdir(path):
        raise UserError(f'{path} is a folder: give the name of a file.')
    _refuse_special(path)
    if reason := _impossible_name(path) or unwritable(Path(path).parent):
        raise UserError(f'{path} cannot be written, as {reason}: choose another place.')


def _refuse_special(path: str | Path) -> None:
    """Raises a ``UserError`` for a device such as /dev/null, because a rename would replace it."""
    if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
        raise UserError(f'{path} is a pipe or a device: give the name of a file.')


def _impossible_name(path: str | Path) -> str | None:
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return None
    except OSError as error:  # for example a name that is too long
        return f'nothing can have this name ({error.strerror})'
    return None


def unwritable(folder: str | Path) -> str | None:
    """The reason why nothing can be written into a folder, or None. If the folder is missing, its
    nearest parent folder that exists is checked."""
    folder = Path(folder).absolute()
    if reason := _impossible_name(folder):
        return reason
    while not os.path.lexists(folder):
        folder = folder.parent
    if not folder.is_dir():
        return f'{folder} is no folder'
    return None if os.access(folder, os.W_OK | os.X_OK) else f'{folder} is not writable'


def refuse_same(given: str | Path, path: str | Path) -> None:
    """Raises a ``UserError`` if the file that is read would be overwritten."""
    if os.path.exists(given) and os.path.exists(path) and os.path.samefile(given, path):
        raise UserError(f'{path} is the file that is read: give another name to write to.')


def refuse_existing(path: str | Path, force: bool) -> None:
    """Raises a ``UserError`` if ``path`` is a folder, or a file that must not be replaced."""
    if os.path.isdir(path):
        raise UserError(f'{path} is a folder: give the name of a file.')
    if os.path.lexists(path) and not force:
        raise UserError(f'{path} exists: give another name, or replace it with --force.')


@contextmanager
def about(path: str | Path) -> Iterator[None]:
    """Adds the name of the file to a ``UserError`` whose message does not contain it."""
    try:
        yield
    except UserError as error:
        if str(path) in str(error):
            raise
        raise UserError(f'{path}: {error}') from error


def sha256(path: str | Path) -> str:
    """The SHA-256 of a file, hexadecimal."""
    with open(path, 'rb') as file:
        return hashlib.file_digest(file, 'sha256').hexdigest()


def parts(path: str) -> list[str]:
    """Splits the path of any system into names, with Unicode in the form NFC."""
    path = unicodedata.normalize('NFC', path)
    return [part for part in re.split(r'[/\\]+', path) if part not in ('', '.')] or [path]


def common_end(a: list[str], b: list[str]) -> int:
    """Returns the number of equal names at the end of two paths."""
    pairs = list(zip(reversed(a), reversed(b), strict=False))
    return next((n for n, (one, other) in enumerate(pairs) if one != other), len(pairs))
