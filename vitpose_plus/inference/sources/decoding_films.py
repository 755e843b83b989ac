"""Decodes a film frame by frame, and notes what is missing or damaged (PyAV)."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from vitpose_plus.errors import needing
from vitpose_plus.inference.sources.names import in_message
from vitpose_plus.inference.sources.source import Unreadable

if TYPE_CHECKING:
    from av import Packet, VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

TOLERANCE = 3  # frames by which a complete film may be shorter than its header states


class Frame(NamedTuple):
    """A decoded frame, with its number from 0 and its time in seconds."""

    number: int
    time: float
    content: 'VideoFrame'


@contextmanager
def open_film(path: str, options: Mapping[str, str] | None = None) -> Iterator['FilmDecoder']:
    """Opens a film for reading.

    Args:
        path: The path of the file.
        options: Options of FFmpeg's demuxers, for example ``format_whitelist``.

    Raises:
        Unreadable: The file is not a film with pictures.
        UserError: PyAV is not installed.
    """
    name = in_message(path)
    with needing('av', 'predict', name):
        import av
    try:
        container = av.open(path, options=dict(options or {}))
    except av.FFmpegError as error:
        raise Unreadable(
            f'{name} cannot be read as a film ({error.strerror}): check the file, or copy it again.'
        ) from error
    with container:
        if not container.streams.video:
            raise Unreadable(f'{name} has no pictures, only sound: give another file.')
        yield FilmDecoder(container, container.streams.best('video'))


class FilmDecoder:
    """The frames of an open film, in the order in which they are shown.

    Times are the presentation times of the container, so they are exact for variable frame rates.

    Attributes:
        num_frames: The number of frames that the header states; 0 if it states none.
        decoded: The number of decoded frames.
        end: The end of the last decoded frame, in seconds.
        damaged: The number of parts that could not be decoded, or only with errors.
    """

    def __init__(self, container: 'InputContainer', stream: 'VideoStream') -> None:
        self.container, self.stream = container, stream
        self.stream.thread_type = 'AUTO'
        self.rate = float(stream.average_rate or stream.guessed_rate or 25)
        self.num_frames = stream.frames
        self.decoded = 0
        self.end = 0.0
        self.damaged = 0

    def __iter__(self) -> Iterator[Frame]:
        for packet in self._packets():
            for content in self._decoded(packet):
                number = self.decoded
                time = self._time_of(content)
                self.decoded += 1
                self.end = time + float((content.duration or 0) * content.time_base)
                self.damaged += content.is_corrupt
                yield Frame(number, time, content)

    def _time_of(self, content: 'VideoFrame') -> float:
        return self.decoded / self.rate if content.time is None else content.time

    def _packets(self) -> Iterator['Packet']:
        from av import FFmpegError

        packets = self.container.demux(self.stream)
        while True:
            try:
                yield next(packets)
            except StopIteration:
                return
            except FFmpegError:  # the rest of the file cannot be read
                self.damaged += 1
                return

    def _decoded(self, packet: 'Packet') -> list['VideoFrame']:
        from av import FFmpegError

        try:
            return packet.decode()
        except FFmpegError:
            self.damaged += 1
            return []

    @property
    def stated_end(self) -> float | None:
        """The end in seconds that the header states; None if it states none for the pictures."""
        stream = self.stream
        if stream.duration is not None:
            return float(((stream.start_time or 0) + stream.duration) * stream.time_base)
        tag = re.fullmatch(r'(\d+):(\d+):([\d.]+)', stream.metadata.get('DURATION', ''))
        if tag:  # Matroska
            return int(tag[1]) * 3600 + int(tag[2]) * 60 + float(tag[3])
        alone = len(self.container.streams) == 1 and self.container.duration is not None
        return self.container.duration / 1e6 if alone else None

    def fault(self) -> str | None:
        """After the last frame: what is missing or damaged, as the end of a sentence."""
        stated = self.stated_end
        if stated is not None and self.end < stated - TOLERANCE / self.rate:
            return f'ends after {self.end:.3f} of {stated:.3f} seconds'
        if self.decoded < self.num_frames - TOLERANCE:
            return f'has {self.decoded} of {self.num_frames} frames'
        return f'is damaged in {self.damaged} places' if self.damaged else None
