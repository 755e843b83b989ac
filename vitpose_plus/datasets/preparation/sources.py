"""Functions for all preparations: reading and writing JSON files, sizes of pictures."""

import json
from contextlib import ExitStack
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from vitpose_plus.errors import UserError
from vitpose_plus.files import replacing


def read(path: Path) -> dict | list:
    """The content of an official file."""
    try:
        return json.loads(path.read_text(encoding='utf-8'))
    except FileNotFoundError as error:
        raise UserError(f'{path} does not exist: give the official annotation file.') from error
    except (OSError, ValueError) as error:
        raise UserError(
            f'{path} cannot be read as json ({error}): download or unpack it again.'
        ) from error


def write(contents: dict[Path, dict]) -> None:
    """Writes JSON files; if an error occurs before all are complete, none is written."""
    with ExitStack() as stack:
        parts = {path: stack.enter_context(replacing(path)) for path in contents}
        for path, part in parts.items():
            part.write_text(json.dumps(contents[path]), encoding='utf-8')


def size_of(path: Path) -> dict[str, int]:
    """``width`` and ``height`` of a picture, in pixels."""
    try:
        with Image.open(path) as image:
            return dict(width=image.width, height=image.height)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UserError(
            f'The picture {path} is missing: unpack the official pictures there first.'
        ) from error
    except (UnidentifiedImageError, OSError) as error:
        raise UserError(
            f'The picture {path} cannot be opened: download or unpack it again.'
        ) from error
