"""The limits of uploads: they are checked before a picture or film is decoded."""

import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from vitpose_plus.errors import UserError
from vitpose_plus.inference.results import Result
from vitpose_plus.inference.sources.decoding_films import open_film
from vitpose_plus.inference.sources.source import Unreadable

# Formats of Pillow. Others can start a program (EPS), or have no mark by which they are recognised.
PICTURES = ('JPEG', 'PNG', 'WEBP', 'AVIF', 'BMP', 'GIF', 'TIFF', 'JPEG2000', 'PPM')
# Demuxers of FFmpeg. Others are playlists, which can open other files of this machine.
FILMS = 'mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,asf,flv,ogg'
MAX_SIDE = 30000  # pixels; OpenCV and JPEG allow a little more
FILM_OPTIONS = dict(format_whitelist=FILMS, protocol_whitelist='file')


@dataclass(frozen=True)
class Limits:
    """The limits of what a user of the page can send.

    Attributes:
        upload_megabytes: The largest file.
        picture_megapixels: The largest picture.
        film_seconds: The longest film.
        film_frames: The largest number of frames of a film.
        film_megapixels: The largest frame of a film.
        boxes: The largest number of boxes that are drawn by hand.
        total_megabytes: The largest size of all uploads and answers.
    """

    upload_megabytes: float = 100
    picture_megapixels: float = 50
    film_seconds: float = 60
    film_frames: int = 2000
    film_megapixels: float = 9
    boxes: int = 50
    total_megabytes: float = 2000

    def check_file(self, path: Path, name: str) -> None:
        """Raises a ``UserError`` if the path is no file, or if the file is empty or too big."""
        if not path.is_file():
            raise UserError(f'{name} is not a file: send a picture or a film.')
        size = os.path.getsize(path)
        if not size:
            raise UserError(f'{name} is empty: copy or download it again.')
        if size > self.upload_megabytes * 1e6:
            raise UserError(
                f'{name} has {size / 1e6:.1f} megabytes, and the limit is '
                f'{self.upload_megabytes:g}: make it smaller.'
            )

    def check_picture(self, path: Path, name: str) -> None:
        """Checks a file and the size of its picture, of which only the header is read.

        Raises:
            UserError: The file is too big, is no picture, or has too many pixels.
        """
        self.check_file(path, name)
        try:
            width, height = _size_of(path)
        except Image.DecompressionBombError as error:
            raise UserError(
                f'{name} has more than {self.picture_megapixels:g} megapixels, the limit: make it '
                'smaller.'
            ) from error
        except Exception as error:  # a damaged file can cause any error in a plugin of Pillow
            raise UserError(
                f'{name} cannot be read as a picture: send a picture as JPEG, PNG or WebP.'
            ) from error
        self.check_pixels(width, height, name)

    def check_pixels(self, width: int, height: int, name: str) -> None:
        """Raises a ``UserError`` if a picture of this size has too many pixels."""
        _check_pixels(name, 'pixels', (width, height), self.picture_megapixels)

    def check_film(self, path: Path, name: str) -> None:
        """Checks a file and the film in it, as far as its header states its size and length.

        Raises:
            UserError: The file is too big, is no film, or the film is too large or too long.
        """
        self.check_file(path, name)
        try:
            with open_film(str(path), FILM_OPTIONS) as film:
                size = film.stream.width, film.stream.height
                frames, end = film.num_frames, film.stated_end
        except Unreadable as error:
            raise UserError(
                f'{name} cannot be read as a film: send a film as MP4, WebM or MOV.'
            ) from error
        _check_pixels(name, 'pixels in each frame', size, self.film_megapixels)
        self._check_length(name, frames, end or 0)

    def checked(self, results: Iterator[Result], name: str) -> Iterator[Result]:
        """Yields the results of a film.

        Raises:
            UserError: The film is larger or longer than its header states, and than the limits.
        """
        for count, result in enumerate(results, 1):
            size = result.width, result.height
            _check_pixels(name, 'pixels in each frame', size, self.film_megapixels)
            self._check_length(name, count, result.time or 0)
            yield result

    def _check_length(self, name: str, frames: int, seconds: float) -> None:
        if seconds > self.film_seconds:
            raise UserError(
                f'{name} is longer than {self.film_seconds:g} seconds, the limit: cut it.'
            )
        if frames > self.film_frames:
            raise UserError(
                f'{name} has more than {self.film_frames} frames, the limit: cut it, or lower its '
                'frame rate.'
            )

    def check_boxes(self, number: int) -> None:
        """Raises a ``UserError`` if no box is drawn, or if too many are drawn by hand."""
        if not number:
            raise UserError('No box is drawn: draw a box around each person or animal.')
        self.check_most_boxes(number)

    def check_most_boxes(self, number: int) -> None:
        """Raises a ``UserError`` if too many boxes are drawn by hand."""
        if number > self.boxes:
            raise UserError(
                f'{number} boxes are drawn, and the limit is {self.boxes}: remove some.'
            )


def _check_pixels(name: str, unit: str, size_wh: tuple[int, int], megapixels: float) -> None:
    width, height = size_wh
    if max(width, height) > MAX_SIDE:
        raise UserError(
            f'{name} has {width}x{height} {unit}, and the limit is {MAX_SIDE} for each side: make '
            'it smaller.'
        )
    if width * height > megapixels * 1e6:
        raise UserError(
            f'{name} has {width}x{height} {unit}, and the limit is {megapixels:g} megapixels: make '
            'it smaller.'
        )


def _size_of(path: Path) -> tuple[int, int]:
    """Returns the width and height that the header of a picture states."""
    Image.init()  # a build of Pillow may lack some formats
    formats = [name for name in PICTURES if name in Image.OPEN]
    with warnings.catch_warnings(action='ignore'), Image.open(path, formats=formats) as image:
        return image.size
