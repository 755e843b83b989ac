"""Pictures that are in memory: arrays and PIL images."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from vitpose_plus.errors import UserError
from vitpose_plus.inference.sources.decoding import of_pillow
from vitpose_plus.inference.sources.picture import Picture
from vitpose_plus.inference.sources.source import Entry, SinglePicture, Source


@dataclass(kw_only=True, eq=False)
class ArrayPicture(Picture):
    """A picture in an array: BGR (H, W, 3), or grey (H, W)."""

    array: np.ndarray = field(repr=False)

    def read(self) -> np.ndarray:
        if self.array.ndim == 2:
            return cv2.cvtColor(self.array, cv2.COLOR_GRAY2BGR)
        return np.ascontiguousarray(self.array)


@dataclass(kw_only=True, eq=False)
class PillowPicture(Picture):
    """An image of Pillow; Pillow may not have read its pixels from the file yet."""

    image: Image.Image = field(repr=False)

    def read(self) -> np.ndarray:
        try:
            return of_pillow(self.image)
        except Exception as error:  # a damaged file can cause any error in a plugin of Pillow
            raise UserError(f'{self.source} cannot be read ({error}): open it again.') from error


class Array(Source):
    """An array in OpenCV's format: BGR (H, W, 3), or grey (H, W), uint8."""

    @classmethod
    def accepts(cls, given: Any) -> bool:
        return isinstance(given, np.ndarray)

    @property
    def name(self) -> str:
        return f'array-{self.number}'

    def entries(self, leave_out: Path | None) -> Iterator[Entry]:
        array, name = self.given, self.name
        fits = array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3)
        if not fits or not array.size or array.dtype != np.uint8:
            raise UserError(
                f'{name} is {array.dtype} of shape {array.shape}: give uint8, BGR of shape '
                '(height, width, 3) or grey of shape (height, width).'
            )
        yield SinglePicture(name, name, name, partial(ArrayPicture, array=array))


class PillowImage(Source):
    """An image of Pillow; its EXIF orientation is applied."""

    @classmethod
    def accepts(cls, given: Any) -> bool:
        return isinstance(given, Image.Image)

    @property
    def name(self) -> str:
        return f'image-{self.number}'

    def entries(self, leave_out: Path | None) -> Iterator[Entry]:
        name = self.name
        if not all(self.given.size):
            raise UserError(f'{name} has no pixels: give another image.')
        yield SinglePicture(name, name, name, partial(PillowPicture, image=self.given))
