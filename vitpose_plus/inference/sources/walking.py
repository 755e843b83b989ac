"""Finds the pictures and films below a folder."""

import os
import os.path as osp
import re
from collections.abc import Iterator
from pathlib import Path

from vitpose_plus.errors import UserError
from vitpose_plus.inference.sources.names import in_message

# Endings of the files that are used from folders and patterns.
PICTURES = (
    '.jpg', '.jpeg', '.jpe', '.jfif', '.png', '.apng', '.bmp', '.dib', '.webp', '.tif', '.tiff',
    '.gif', '.jp2', '.j2k', '.avif', '.pbm', '.pgm', '.ppm', '.pnm', '.pam', '.sr', '.ras',
    '.hdr', '.pic', '.tga', '.ico', '.pcx', '.sgi',
)  # fmt: skip
FILMS = (
    '.mp4', '.m4v', '.mov', '.avi', '.mkv', '.webm', '.mpg', '.mpeg', '.mts', '.m2ts', '.wmv',
    '.flv', '.3gp', '.ogv',
)  # fmt: skip
NUMBER = re.compile('0*([0-9]+)')


def is_film_name(path: str) -> bool:
    return path.lower().endswith(FILMS)


def is_source_name(path: str) -> bool:
    """Whether a file of this name is used from folders and patterns."""
    return path.lower().endswith(PICTURES + FILMS)


def files_below(folder: str, root: str, seen: set[str]) -> Iterator[str]:
    """Yields the paths of the pictures and films below a folder, one folder at a time.

    Only the names in one folder, and in the folders that contain it, are in memory.

    Args:
        folder: The folder to search.
        root: The real path of the folder that the user gives.
        seen: Real paths of the folders that are left out or already searched. This function adds
            each folder outside of ``root`` that it searches: links lead to them, maybe several.
    """
    real = osp.realpath(folder)
    if real in seen:
        return
    if not Path(real).is_relative_to(root):
        seen.add(real)
    names, folders = _names_in(folder)
    for name in names:
        path = osp.join(folder, name)
        if name not in folders:
            yield path
        elif not (osp.islink(path) and _overlaps(osp.realpath(path), root)):
            yield from files_below(path, root, seen)


def _names_in(folder: str) -> tuple[list[str], set[str]]:
    """Returns the sorted names of the files and folders in a folder, and those of the folders.

    A broken link counts as a picture that cannot be read.
    """
    names, folders = [], set()
    try:
        with os.scandir(folder) as found:
            for entry in found:
                if entry.name.startswith('.'):
                    continue
                if entry.is_dir():
                    folders.add(entry.name)
                elif not is_source_name(entry.name) or not (entry.is_file() or entry.is_symlink()):
                    continue
                names.append(entry.name)
    except OSError as error:
        raise UserError(
            f'{in_message(folder)} cannot be read ({error.strerror}): change its permissions, or '
            'give other folders.'
        ) from error
    sort_naturally(names)
    return names, folders


def _overlaps(target: str, root: str) -> bool:
    """Whether the target of a link is below the given folder, or contains it."""
    return Path(target).is_relative_to(root) or Path(root).is_relative_to(target)


def sort_naturally(names: list[str]) -> None:
    """Sorts frame2 before frame10. The order does not depend on the order before."""
    names.sort()  # for names with an equal key, such as 1.jpg and 01.jpg
    names.sort(key=natural)


def natural(name: str) -> str:
    """Returns a key that sorts frame2 before frame10.

    The number of digits is put before each number. A key is one text, because a list of parts needs
    several times the memory.
    """
    return NUMBER.sub(lambda match: f'\0{chr(len(match[1]))}{match[1]}', name)
