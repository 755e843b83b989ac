"""Uploads as sources: results and messages have a clean name in place of the path."""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from vitpose_plus.app.limits import FILM_OPTIONS
from vitpose_plus.inference.sources import Sources
from vitpose_plus.inference.sources.decoding_films import FilmDecoder, open_film
from vitpose_plus.inference.sources.films import FilmEntry
from vitpose_plus.inference.sources.names import in_message
from vitpose_plus.inference.sources.paths import FileEntry, FilePicture
from vitpose_plus.inference.sources.source import Entry, Source

MAX_STEM = 60  # characters
POSES = '_poses'  # in the names of files
JPEG = '.jpg'
# The ending of an upload, and the ending of its drawn picture; all other pictures are drawn as PNG.
DRAWN_ENDINGS = {JPEG: JPEG, '.jpeg': JPEG}
PNG, MP4 = '.png', '.mp4'


@dataclass(frozen=True)
class Upload:
    """A file that a user of the page sent.

    Attributes:
        path: The path of the file.
    """

    path: Path

    @property
    def stem(self) -> str:
        """The name of the file without its ending, with only letters, digits, ``-`` and ``_``."""
        return re.sub(r'[^\w-]+', '_', self.path.stem).strip('_')[:MAX_STEM] or 'upload'

    @property
    def name(self) -> str:
        """The clean name, with the ending."""
        return self.stem + re.sub(r'[^.\w]', '', self.path.suffix)[:8]

    def named(self, message: str) -> str:
        """Returns a message with the name in place of the path."""
        return message.replace(in_message(self.path), self.name)


class UploadedPicture(Source):
    """A picture that a user sent; ``given`` is an ``Upload``."""

    @classmethod
    def accepts(cls, given: object) -> bool:
        return isinstance(given, Upload)

    @property
    def name(self) -> str:
        return self.given.name

    def entries(self, leave_out: Path | None) -> Iterator[Entry]:
        upload = self.given
        ending = DRAWN_ENDINGS.get(upload.path.suffix.lower(), PNG)
        make = partial(FilePicture, path=str(upload.path))
        place = f'{upload.stem}{POSES}{ending}'
        yield FileEntry(place, str(upload.path.resolve()), upload.name, make)


class UploadedFilm(UploadedPicture):
    """A film that a user sent; ``given`` is an ``Upload``."""

    def entries(self, leave_out: Path | None) -> Iterator[Entry]:
        upload = self.given
        place = f'{upload.stem}{POSES}{MP4}'
        yield NamedFilm(place, str(upload.path.resolve()), str(upload.path), title=upload.name)


@dataclass(frozen=True)
class NamedFilm(FilmEntry):
    """A film with another name than its path. It cannot open other files, as a playlist does.

    Attributes:
        title: The name in the results.
    """

    title: str = ''

    @property
    def name(self) -> str:
        return self.title

    def opened(self) -> AbstractContextManager[FilmDecoder]:
        return open_film(self.path, FILM_OPTIONS)


def read(upload: Upload) -> np.ndarray:
    """Returns the picture of an upload as it is predicted: BGR (height, width, 3), turned."""
    [picture] = Sources([UploadedPicture(upload, 0)])
    return picture.read()
