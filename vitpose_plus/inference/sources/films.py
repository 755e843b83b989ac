"""Films as sources: their frames, with exact times and in constant memory."""

import os
import os.path as osp
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from vitpose_plus.errors import UserError
from vitpose_plus.inference.sources.decoding_films import FilmDecoder, Frame, open_film
from vitpose_plus.inference.sources.names import as_text, in_message, size_of
from vitpose_plus.inference.sources.picture import Picture
from vitpose_plus.inference.sources.selection import ALL, Selection
from vitpose_plus.inference.sources.source import Entry, Source, is_word

if TYPE_CHECKING:
    from av import VideoFrame

FILMS = (
    '.mp4', '.m4v', '.mov', '.avi', '.mkv', '.webm', '.mpg', '.mpeg', '.mts', '.m2ts', '.wmv',
    '.flv', '.3gp', '.ogv',
)  # fmt: skip


@dataclass(kw_only=True)
class FramePicture(Picture):
    """A decoded frame, which is not converted to BGR yet."""

    content: 'VideoFrame' = field(repr=False)

    @property
    def file_name(self) -> str:
        return f'{self.source}/frame_{self.frame:06d}.png'

    def read(self) -> np.ndarray:
        image = self.content.to_ndarray(format='bgr24')
        quarters = round(self.content.rotation / 90)  # counter-clockwise
        return np.ascontiguousarray(np.rot90(image, quarters))


@dataclass(kw_only=True)
class MissingFrames(Picture):
    """Stands for the frames at the end that a film should have.

    Attributes:
        fault: What is wrong with the film, in one sentence.
    """

    fault: str

    def read(self) -> np.ndarray:
        raise UserError(self.fault)


@dataclass(frozen=True)
class FilmEntry(Entry):
    """The selected frames of a film.

    Attributes:
        path: The path of the film.
        selection: The frames that are used.
    """

    path: str
    selection: Selection = ALL

    is_film = True
    drawn_endings = ('.mp4',)

    @property
    def name(self) -> str:
        return as_text(self.path)

    @property
    def stamp(self) -> str:
        return size_of(self.path)

    def selecting(self, selection: Selection) -> 'FilmEntry':
        return replace(self, selection=selection)

    def count(self) -> int | None:
        """Opens the film, and returns the number of the selected frames, if the header states it.

        Raises:
            UserError: The film has no such frames.
        """
        selection = self.selection
        with self.opened() as film:
            if next(self._frames(film), None) is None:
                times = '' if selection.has_all_times else ' at the times of --from and --to'
                raise UserError(f'{in_message(self.path)} has no frames{times}: check the film.')
            return (
                -(-film.num_frames // selection.every) or None if selection.has_all_times else None
            )

    def opened(self) -> AbstractContextManager[FilmDecoder]:
        """Opens the film for reading."""
        return open_film(self.path)

    def pictures(self, place: PurePosixPath) -> Iterator[Picture]:
        source = self.name
        with self.opened() as film:
            for number, time, content in self._frames(film):
                yield FramePicture(
                    source=source,
                    place=place,
                    frame=number,
                    time=time,
                    time_base=content.time_base,
                    content=content,
                )
            if fault := self.selection.stop is None and film.fault():
                fault = f'{in_message(source)} {fault}: the frames that it has are predicted.'
                yield MissingFrames(source=source, place=place, fault=fault)

    def _frames(self, film: FilmDecoder) -> Iterator[Frame]:
        for frame in film:
            if self.selection.ends_before(frame.time):
                return
            if self.selection.has(frame.number, frame.time):
                yield frame


class Film(Source):
    """A film, recognised by its ending."""

    @classmethod
    def accepts(cls, given: Any) -> bool:
        return is_word(given) and os.fspath(given).lower().endswith(FILMS) and osp.isfile(given)

    def entries(self, leave_out: Path | None) -> Iterator[Entry]:
        path = os.fspath(self.given)
        yield FilmEntry(osp.basename(path), osp.abspath(path), path)
