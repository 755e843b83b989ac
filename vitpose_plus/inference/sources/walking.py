"""Finds the pictures below a folder."""

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


def is_picture_name(path: str) -> bool:
    return path.lower().endswith(PICTURES)


def pictures_below(folder: str, root: str, seen: set[str]) -> Iterator[str]:
    """Yields the paths of the pictures below a folder.

    Args:
        folder: The folder to search.
        root: The real path of the folder that the user gives.
        seen: Real paths of the folders that are left out or already searched. This function adds
            each folder that it searches.
    """
    real = osp.realpath(folder)
    if real in seen:
        return
    seen.add(real)
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: natural(entry.name))
    except OSError as error:
        raise UserError(
            f'{in_message(folder)} cannot be read ({error.strerror}): change its permissions, or '
            'give other folders.'
        ) from error
    for entry in entries:
        if entry.name.startswith('.'):
            continue
        if entry.is_dir():
            if not (entry.is_symlink() and _overlaps(osp.realpath(entry.path), root)):
                yield from pictures_below(entry.path, root, seen)
        elif is_picture_name(entry.name) and (entry.is_file() or entry.is_symlink()):
            yield entry.path  # a broken link counts as a picture that cannot be read


def _overlaps(target: str, root: str) -> bool:
    """Whether the target of a link is below the given folder, or contains it."""
    return Path(target).is_relative_to(root) or Path(root).is_relative_to(target)


def natural(name: str) -> list[str | int]:
    """Returns a key that sorts frame2 before frame10."""
    parts: list[str | int] = re.split('([0-9]+)', name)
    parts[1::2] = map(int, parts[1::2])
    return parts
