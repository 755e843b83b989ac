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
from vitpose_plus.inference.sources.source import Entry, Source, Unreadable, is_word
from vitpose_plus.inference.sources.walking import is_film_name

if TYPE_CHECKING:
    from av import VideoFrame


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
    """Stands for the frames that a film should have: those at its end, or all.

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
            Unreadable: The film has no such frames.
        """
        with self.opened() as film:
            next(self._frames(film))
            if not self.selection.has_all_times:
                return None
            return -(-film.num_frames // self.selection.every) or None

    def opened(self) -> AbstractContextManager[FilmDecoder]:
        """Opens the film for reading."""
        return open_film(self.path)

    def pictures(self, place: PurePosixPath) -> Iterator[Picture]:
        try:
            yield from self._pictures(place)
        except Unreadable as error:
            yield MissingFrames(source=self.name, place=place, fault=str(error))

    def _pictures(self, place: PurePosixPath) -> Iterator[Picture]:
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
        """Yields the selected frames; raises ``Unreadable`` if there are none."""
        has_frames = False
        for frame in film:
            if self.selection.ends_before(frame.time):
                break
            if self.selection.has(frame.number, frame.time):
                has_frames = True
                yield frame
        if not has_frames:
            times = '' if self.selection.has_all_times else ' at the times of --from and --to'
            raise Unreadable(f'{in_message(self.path)} has no frames{times}: check the film.')


class Film(Source):
    """A film, recognised by its ending."""

    @classmethod
    def accepts(cls, given: Any) -> bool:
        return is_word(given) and is_film_name(os.fspath(given)) and osp.isfile(given)

    def entries(self, leave_out: Path | None) -> Iterator[Entry]:
        path = os.fspath(self.given)
        yield FilmEntry(osp.basename(path), osp.abspath(path), path)
