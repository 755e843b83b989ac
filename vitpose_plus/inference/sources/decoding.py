"""Decodes the bytes of a picture to BGR pixels, the same as in training and tests.

Shapes: H and W are the height and width of the picture as it is shown.
"""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

import cv2
import mmcv
import numpy as np
from cv2.utils import logging
from PIL import Image, ImageOps

from vitpose_plus.datasets.checking.pictures import stored
from vitpose_plus.errors import UserError

ENDS = {b'\xff\xd8': b'\xff\xd9', b'\x89PNG': b'IEND\xaeB`\x82'}  # start -> end of a complete file


def decode(content: bytes, name: str) -> np.ndarray:
    """Decodes a picture to BGR (H, W, 3), uint8, rotated according to EXIF.

    If OpenCV can read the file, the pixels are those of mmpose's ``LoadImage``: alpha is left out,
    grey is repeated, and the upper 8 of 16 bits are used. Pillow reads other formats, for
    example TGA, ICO and TIFF of floats.

    Args:
        content: The content of the file.
        name: The name of the picture, for messages.

    Raises:
        UserError: The content is empty, cut off, damaged, too large or not a picture.
    """
    if not content:
        raise UserError(f'{name} is empty: copy or download it again.')
    # The check of the last bytes is fast. If it fails, Pillow reads the file, because Pillow is
    # strict. Some versions of OpenCV fill in missing pixels, or write a warning to the terminal.
    if _seems_cut(content) and not stored(BytesIO(content))[2]:
        raise _damaged(name)
    image = _by_opencv(content)
    return _by_pillow(content, name) if image is None else image


def of_pillow(image: Image.Image) -> np.ndarray:
    """Converts an image of Pillow to BGR (H, W, 3), uint8, rotated according to EXIF."""
    turned = ImageOps.exif_transpose(image)
    if turned.mode.startswith('I;16'):
        return cv2.cvtColor((np.asarray(turned) >> 8).astype(np.uint8), cv2.COLOR_GRAY2BGR)
    return cv2.cvtColor(np.asarray(turned.convert('RGB')), cv2.COLOR_RGB2BGR)


def _seems_cut(content: bytes) -> bool:
    return any(
        content.startswith(start) and not content.endswith(end) for start, end in ENDS.items()
    )


def _by_opencv(content: bytes) -> np.ndarray | None:
    """Decodes as mmpose's ``LoadImage`` does; None if OpenCV cannot decode the content."""
    try:
        with _silent():
            return mmcv.imfrombytes(content, flag='color', backend='cv2')
    except cv2.error:  # for example too many pixels
        return None


def _by_pillow(content: bytes, name: str) -> np.ndarray:
    try:
        with warnings.catch_warnings(action='ignore'):
            Image.open(BytesIO(content)).verify()  # checksums, which are not checked otherwise
            return of_pillow(Image.open(BytesIO(content)))
    except Image.UnidentifiedImageError as error:
        raise UserError(
            f'{name} is no picture that OpenCV or Pillow can read: convert it, or leave it out.'
        ) from error
    except (Image.DecompressionBombError, MemoryError) as error:
        raise UserError(
            f'{name} has more pixels than OpenCV and Pillow can open: make it smaller.'
        ) from error
    except Exception as error:  # a damaged file can cause any error in a plugin of Pillow
        raise _damaged(name) from error


def _damaged(name: str) -> UserError:
    return UserError(f'{name} is cut off or damaged: copy or download it again.')


class _Silence:
    """The number of threads that need OpenCV's log to be silent, and the earlier log level."""

    lock = threading.Lock()
    number = 0
    level = 0


@contextmanager
def _silent() -> Iterator[None]:
    """Turns off OpenCV's messages about damaged files; all threads share its log."""
    with _Silence.lock:
        if _Silence.number == 0:
            _Silence.level = logging.setLogLevel(logging.LOG_LEVEL_SILENT)
        _Silence.number += 1
    try:
        yield
    finally:
        with _Silence.lock:
            _Silence.number -= 1
            if _Silence.number == 0:
                logging.setLogLevel(_Silence.level)
