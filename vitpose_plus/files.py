"""Files and folders written whole or not at all; nothing is replaced without being asked to."""

import os
import tempfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import rmtree

from vitpose_plus.errors import UserError

PICTURES = ('.png', '.jpg', '.jpeg', '.bmp', '.webp', '.tif', '.tiff')  # that OpenCV writes
UNFINISHED = '.part-'  # in the names of folders beside files that are being written


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A new name beside ``path`` to write a file to, which becomes ``path`` if all goes well.

    There is no instant without a whole file at ``path``: the new one is on the disk before it takes
    the place of the old one. Where ``path`` is a symbolic link, the file that it points to is
    replaced. The new name has the suffix of ``path``.
    """
    path = Path(os.path.realpath(path))
    _refuse_special(path)
    with _room_beside(path) as room:
        new = room / path.name
        yield new
        _flush(new)
        os.replace(new, path)
        _flush_names(path.parent)


@contextmanager
def new_folder(path: str | Path) -> Iterator[Path]:
    """An empty folder beside ``path``, which becomes ``path`` if all goes well.

    Raises:
        UserError: There is something at ``path`` already.
    """
    path = Path(path)
    if os.path.lexists(path):
        raise UserError(f'{path} exists: give another name, or move it away.')
    with _room_beside(path) as room:
        new = room / path.name
        new.mkdir()
        yield new
        for file in filter(Path.is_file, new.rglob('*')):
            _flush(file)
        os.rename(new, path)
        _flush_names(path.parent)


@contextmanager
def _room_beside(path: Path) -> Iterator[Path]:
    """A temporary folder on the disk of ``path``, which is deleted in the end."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        room = Path(tempfile.mkdtemp(prefix=f'.{path.name}{UNFINISHED}', dir=path.parent))
    except OSError as error:
        raise UserError(
            f'{path} cannot be written ({error.strerror}): choose another place.'
        ) from error
    try:
        yield room
    finally:
        rmtree(room, ignore_errors=True)


def remove_unfinished(folder: str | Path, names: Iterable[str]) -> None:
    """Removes what a killed process left of files that it was writing (``replacing``).

    Args:
        folder: Where the files would lie.
        names: Of the files; they may be patterns.
    """
    for name in names:
        for room in Path(folder).glob(f'.{name}{UNFINISHED}*'):
            rmtree(room, ignore_errors=True)


def _flush(path: Path, flags: int = os.O_RDWR) -> None:
    """Waits until a file is on the disk; Windows wants it to be open for writing."""
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _flush_names(folder: Path) -> None:
    """The same for the names in a folder, wherever the system can."""
    with suppress(OSError):  # Windows and some network disks cannot
        _flush(folder, os.O_RDONLY)


def check_output(path: str | Path, endings: Collection[str] = ()) -> None:
    """Raises a ``UserError`` if no file could be written at ``path``; its folder may be missing.

    Args:
        path: Of the file.
        endings: Of which the name must have one, in small or capital letters; none: it may be any.
    """
    if endings and not str(path).lower().endswith(tuple(endings)):
        raise UserError(f'{path} must end in {" or ".join(endings)}: give another name.')
    if os.path.isdir(path):
        raise UserError(f'{path} is a folder: give the name of a file.')
    _refuse_special(path)
    if reason := _impossible_name(path) or unwritable(Path(path).parent):
        raise UserError(f'{path} cannot be written, as {reason}: choose another place.')


def _refuse_special(path: str | Path) -> None:
    """A rename would put a plain file in the place of a device, as of /dev/null."""
    if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
        raise UserError(f'{path} is a pipe or a device: give the name of a file.')


def _impossible_name(path: str | Path) -> str | None:
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return None
    except OSError as error:  # as of a name that is too long
        return f'nothing can have this name ({error.strerror})'
    return None


def unwritable(folder: str | Path) -> str | None:
    """Why nothing can be written into a folder, which may be missing: what is wrong with it, or
    with the first one above it that is there."""
    folder = Path(folder).absolute()
    if reason := _impossible_name(folder):
        return reason
    while not os.path.lexists(folder):
        folder = folder.parent
    if not folder.is_dir():
        return f'{folder} is no folder'
    return None if os.access(folder, os.W_OK | os.X_OK) else f'{folder} takes no files'


def refuse_same(given: str | Path, path: str | Path) -> None:
    """Raises a ``UserError`` if what is read is what would be written."""
    if os.path.exists(given) and os.path.exists(path) and os.path.samefile(given, path):
        raise UserError(f'{path} is the file that is read: give another name to write to.')


def refuse_existing(path: str | Path, force: bool) -> None:
    """Raises a ``UserError`` if ``path`` may not be written: a file without force, or a folder."""
    if os.path.isdir(path):
        raise UserError(f'{path} is a folder: give the name of a file.')
    if os.path.lexists(path) and not force:
        raise UserError(f'{path} exists: give another name, or replace it with --force.')


@contextmanager
def about(path: str | Path) -> Iterator[None]:
    """Puts the file's name before a message that does not have it."""
    try:
        yield
    except UserError as error:
        if str(path) in str(error):
            raise
        raise UserError(f'{path}: {error}') from error
