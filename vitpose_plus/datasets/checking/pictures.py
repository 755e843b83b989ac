"""Checks that pictures exist, can be read, and have the size that is in their annotations."""

import os
import os.path as osp
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO

import numpy as np
from mmpose.datasets.transforms import LoadImage
from PIL import Image

from vitpose_plus.datasets.checking.annotation_file import Picture
from vitpose_plus.datasets.checking.findings import Findings, by

HINT = 'download or unpack it again'
ORIENTATION = 0x0112  # the tag of EXIF
TURNED = 'is turned by its EXIF orientation'


def missing_pictures(folder: str, names: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Row and path of every picture that is missing.

    Each folder is listed once: a check of every single file takes minutes on a network disk.
    """
    listed: dict[str, set[str]] = {}
    for row, name in enumerate(names):
        path = osp.join(folder, name)
        directory, file = osp.split(path)
        if directory not in listed:
            listed[directory] = _files(directory)
        # The name may be in another Unicode form, or listing the folder may not be allowed.
        if file not in listed[directory] and not osp.isfile(path):
            yield row, path


def _files(folder: str) -> set[str]:
    try:
        with os.scandir(folder or '.') as entries:
            return {entry.name for entry in entries if entry.is_file()}
    except OSError:
        return set()


def check_pictures(
    folder: str, pictures: Sequence[Picture], num_open: int | None, track: Callable, found: Findings
) -> None:
    """Checks that all pictures exist, and opens some of them.

    Args:
        folder: The folder of the pictures.
        pictures: All pictures.
        num_open: The number of pictures to open; None for all.
        track: Wraps the pictures that are opened, to show the progress.
        found: Collects what is wrong.
    """
    names = [picture.file_name for picture in pictures]
    missing = {row for row, _ in missing_pictures(folder, names)}
    for row in sorted(missing):
        found.add(folder, 'is missing', f'{names[row]} (row {row})', HINT)
    number = len(pictures) if num_open is None else min(num_open, len(pictures))
    rows = np.linspace(0, len(pictures) - 1, number).astype(int).tolist()
    for row in track(rows):
        if row not in missing:
            _check_picture(folder, pictures[row], found)


def _check_picture(folder: str, picture: Picture, found: Findings) -> None:
    """Reads a picture by OpenCV, as training does, and by Pillow, which detects cut-off files."""
    name, size, path = picture.file_name, picture.size, osp.join(folder, picture.file_name)
    if not os.access(path, os.R_OK):
        found.add(folder, 'may not be read', name, 'change its permissions')
        return
    size_of_file, orientation, is_complete = stored(path)
    loaded = loaded_size(path) if is_complete else None
    if loaded is None:
        what = (
            'cannot be read by OpenCV, which training uses'
            if is_complete
            else 'is cut off or damaged'
        )
        found.add(folder, what, name, HINT)
        return
    if size not in (None, loaded):
        what, hint = 'has another size than in its annotations', HINT
        if size == size_of_file:
            what = f'{TURNED} when it is loaded, but its annotations have the size before turning'
            hint = 'turn the annotations, or remove the orientation from the file'
        found.add(folder, what, f'{name} ({by(loaded)}, not {by(size)})', hint)
    elif 1 < orientation <= 8:
        hint = 'make sure that the annotations fit the turned picture, as viewers show it'
        found.add(folder, f'{TURNED} when it is loaded', name, hint, is_wrong=False)


def loaded_size(path: str) -> tuple[int, int] | None:
    """Width and height of the picture as loaded by mmpose; None if it cannot be loaded."""
    try:
        results = LoadImage().transform(dict(img_path=path))
    except Exception:  # a damaged picture can cause any error in OpenCV
        return None
    height, width = results['img'].shape[:2]
    return width, height


def stored(file: str | BinaryIO) -> tuple[tuple[int, int] | None, int, bool]:
    """Width and height before the picture is turned, its orientation, and whether it is complete.

    Files that Pillow cannot identify, or that are too large for it, count as complete.
    """
    size, orientation = None, 1
    try:
        with warnings.catch_warnings(action='ignore'), Image.open(file) as image:
            size, orientation = image.size, image.getexif().get(ORIENTATION, 1)
            image.load()
    except (Image.UnidentifiedImageError, Image.DecompressionBombError):
        return size, orientation, True
    except (OSError, SyntaxError, ValueError, EOFError):
        return size, orientation, False
    return size, orientation, True
