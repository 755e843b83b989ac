"""Cameras as sources (PyAV). This is untested on a real camera."""

import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from vitpose_plus.errors import UserError, needing
from vitpose_plus.inference.sources.decoding_films import FilmDecoder
from vitpose_plus.inference.sources.films import FilmEntry
from vitpose_plus.inference.sources.source import Entry, Source, is_word

if TYPE_CHECKING:
    from av import Packet, VideoFrame
    from av.container import InputContainer

WORD = re.compile(r'camera:([0-9]+)')
PAUSE = 0.005  # seconds until a camera without a new frame is read again


class Capture(NamedTuple):
    """How a platform opens cameras.

    Attributes:
        format: The name of FFmpeg's input format.
        address: Returns the address of the camera with a number; None if there is no such camera.
        options: Options of the format.
    """

    format: str
    address: Callable[[int], str | None]
    options: dict[str, str]


def _name_on_windows(number: int) -> str | None:
    import av

    found = [
        each.name for each in av.enumerate_input_devices('dshow') if 'video' in each.media_types
    ]
    return f'video={found[number]}' if number < len(found) else None


CAPTURES = {
    'linux': Capture('v4l2', '/dev/video{}'.format, {}),
    # The default of FFmpeg, 29.97 frames per second, is refused by cameras with exactly 30.
    'darwin': Capture('avfoundation', '{}:none'.format, {'framerate': '30'}),
    'win32': Capture('dshow', _name_on_windows, {}),
}


@contextmanager
def open_camera(name: str) -> Iterator['CameraDecoder']:
    """Opens ``camera:N`` for reading.

    Raises:
        UserError: There is no such camera, another program uses it, or PyAV is not installed.
    """
    with needing('av', 'predict', name):
        import av  # noqa: F401
    container = _container(name)
    with container:
        if not container.streams.video:
            raise UserError(f'{name} gives no pictures: give another camera.')
        yield CameraDecoder(container, container.streams.best('video'))


def _container(name: str) -> 'InputContainer':
    import av

    capture = CAPTURES.get(sys.platform)
    if capture is None:
        raise UserError(f'{name}: cameras are not supported on {sys.platform}: give a film.')
    try:
        address = capture.address(int(WORD.fullmatch(name)[1]))
        if address is not None:
            return av.open(address, format=capture.format, options=capture.options)
        reason = 'there is no such camera'
    except (av.FFmpegError, ValueError) as error:  # ValueError: PyAV was built without this format
        reason = getattr(error, 'strerror', None) or str(error)
    raise UserError(
        f'{name} cannot be opened ({reason}): connect the camera, close other programs that use '
        'it, or give another number.'
    )


class CameraDecoder(FilmDecoder):
    """The frames of an open camera. The first frame is at 0 seconds."""

    start = 0.0

    def _time_of(self, content: 'VideoFrame') -> float:
        seconds = super()._time_of(content)
        if self.decoded == 0:
            self.start = seconds
        return seconds - self.start

    def _packets(self) -> Iterator['Packet']:
        from av import FFmpegError

        while True:
            try:
                yield from self.container.demux(self.stream)
            except BlockingIOError:  # macOS: there is no new frame yet
                time.sleep(PAUSE)
            except FFmpegError:  # for example: the camera was unplugged
                return
            else:
                return

    def fault(self) -> str:
        return f'gave no more frames after {self.end:.3f} seconds'


@dataclass(frozen=True)
class CameraEntry(FilmEntry):
    """The frames of a camera, from the time at which it is opened.

    A frame is read when the prediction asks for it. If frames arrive faster than they are
    predicted, the buffer of the device or of FFmpeg gets full, and then frames are dropped there.
    Our reading keeps only the few frames that the threads of the prediction read in advance.
    """

    is_endless = True

    @property
    def stamp(self) -> str:
        """Changes with each run, because a camera does not show the same frames again."""
        return str(time.time_ns())

    def count(self) -> None:
        """Opens the camera and reads a frame. The number of frames is never known."""
        with self.opened() as camera:
            if next(iter(camera), None) is None:
                raise UserError(f'{self.path} gives no frames: check the camera.')

    @contextmanager
    def opened(self) -> Iterator[CameraDecoder]:
        with open_camera(self.path) as camera:
            yield camera


class Camera(Source):
    """``camera:N``: the camera with the number N. It ends with Ctrl-C or at ``--to``.

    This is untested on a real camera.
    """

    @classmethod
    def accepts(cls, given: Any) -> bool:
        return is_word(given) and WORD.fullmatch(str(given)) is not None

    def entries(self, leave_out: Path | None) -> Iterator[Entry]:
        word = str(self.given)
        yield CameraEntry(word.replace(':', '-'), word, word)
