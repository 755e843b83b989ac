"""The bytes of any picture -> BGR pixels, the same that training and tests read.

Shapes: H and W of the picture as it is shown.
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

ENDS = {b'\xff\xd8': b'\xff\xd9', b'\x89PNG': b'IEND\xaeB`\x82'}  # start -> end of a whole file


def decode(content: bytes, name: str) -> np.ndarray:
    """BGR (H, W, 3), uint8, turned as EXIF says.

    What OpenCV reads has the pixels of mmpose's ``LoadImage``: alpha is left out, grey is repeated,
    of 16 bits the upper 8 are taken. Pillow reads the rest, as TGA, ICO and TIFF of floats.

    Args:
        content: Of the file.
        name: Of the picture, for messages.

    Raises:
        UserError: It is empty, cut off, damaged, too large or no picture.
    """
    if not content:
        raise UserError(f'{name} is empty: copy or download it again.')
    # Whether a file goes on to its end is seen at once; only if not, Pillow, which is strict, reads
    # it: some versions of OpenCV fill up what is missing, or write to the terminal about it.
    if _seems_cut(content) and not stored(BytesIO(content))[2]:
        raise _damaged(name)
    image = _by_opencv(content)
    return _by_pillow(content, name) if image is None else image


def of_pillow(image: Image.Image) -> np.ndarray:
    """BGR (H, W, 3), uint8, turned as EXIF says, with the pixels that ``decode`` gives."""
    turned = ImageOps.exif_transpose(image)
    if turned.mode.startswith('I;16'):
        return cv2.cvtColor((np.asarray(turned) >> 8).astype(np.uint8), cv2.COLOR_GRAY2BGR)
    return cv2.cvtColor(np.asarray(turned.convert('RGB')), cv2.COLOR_RGB2BGR)


def _seems_cut(content: bytes) -> bool:
    return any(
        content.startswith(start) and not content.endswith(end) for start, end in ENDS.items()
    )


def _by_opencv(content: bytes) -> np.ndarray | None:
    """As mmpose's ``LoadImage`` decodes it; None if it does not."""
    try:
        with _silent():
            return mmcv.imfrombytes(content, flag='color', backend='cv2')
    except cv2.error:  # as of more pixels than it takes
        return None


def _by_pillow(content: bytes, name: str) -> np.ndarray:
    try:
        with warnings.catch_warnings(action='ignore'):
            Image.open(BytesIO(content)).verify()  # checksums, which are not looked at otherwise
            return of_pillow(Image.open(BytesIO(content)))
    except Image.UnidentifiedImageError as error:
        raise UserError(
            f'{name} is no picture that OpenCV or Pillow can read: convert it, or leave it out.'
        ) from error
    except (Image.DecompressionBombError, MemoryError) as error:
        raise UserError(
            f'{name} has more pixels than OpenCV and Pillow open: make it smaller.'
        ) from error
    except Exception as error:  # whatever a damaged file makes its plugin raise
        raise _damaged(name) from error


def _damaged(name: str) -> UserError:
    return UserError(f'{name} is cut off or damaged: copy or download it again.')


class _Silence:
    """How many threads want OpenCV's log to be silent, and the level that it had before."""

    lock = threading.Lock()
    number = 0
    level = 0


@contextmanager
def _silent() -> Iterator[None]:
    """OpenCV does not write about broken files to the terminal; its log is one for all threads."""
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
