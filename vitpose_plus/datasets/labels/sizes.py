"""The sizes of pictures, read from the first bytes of the files."""

import warnings
from pathlib import Path

from PIL import Image

from vitpose_plus.datasets.checking.pictures import ORIENTATION
from vitpose_plus.errors import UserError, reason

WIDTH, HEIGHT = 256, 257  # tags of TIFF


def size_of(path: Path) -> tuple[tuple[int, int], bool]:
    """Returns width and height as training loads the picture, and whether its EXIF swaps them.

    Raises:
        UserError: The file cannot be opened as a picture.
    """
    try:
        with warnings.catch_warnings(action='ignore'), Image.open(path) as image:
            # Without stored EXIF, Pillow would decode a complete PNG to look for it at the end.
            has_exif = 'exif' in image.info or image.format != 'PNG'
            orientation = image.getexif().get(ORIENTATION, 1) if has_exif else 1
            # Some versions of Pillow already swap the size of a TIFF that is turned.
            tags = getattr(image, 'tag_v2', {})
            width, height = tags.get(WIDTH, image.width), tags.get(HEIGHT, image.height)
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise UserError(
            f'The picture {path} cannot be opened ({reason(error)}): replace it, or remove it from '
            'the labels.'
        ) from error
    is_turned = 5 <= orientation <= 8
    return ((height, width) if is_turned else (width, height)), is_turned
