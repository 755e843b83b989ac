"""Encodes films: H.264 with exact times (PyAV)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import numpy as np

from vitpose_plus.errors import needing


@contextmanager
def encoding(
    path: Path,
    size_wh: tuple[int, int],
    time_base: Fraction,
    crf: int,
    rate: Fraction | None = None,
    rotation: int = 0,
) -> Iterator[Callable[[np.ndarray, int], None]]:
    """Gives a function that appends a frame: BGR (height, width, 3) and its time.

    The times increase, in units of ``time_base``. The last frame is shown as long as the frame
    before.

    Args:
        path: The mp4 file.
        size_wh: Width and height of the stored frames, even numbers of pixels.
        time_base: The unit of the times, in seconds.
        crf: The quality of x264; 18 has little loss.
        rate: The nominal number of frames per second, if it is known.
        rotation: Degrees counter-clockwise by which players turn the stored frames.

    Raises:
        UserError: PyAV is missing.
        OSError: The file cannot be written.
    """
    check_package(path)
    import av

    with av.open(str(path), 'w', format='mp4') as container:
        # Without B-frames, the header states the exact duration also if the times are irregular.
        options = dict(crf=str(crf), preset='veryfast', bf='0')
        stream = container.add_stream('libx264', rate=rate, options=options)
        stream.width, stream.height = size_wh
        stream.pix_fmt = 'yuv420p'  # browsers show no other
        stream.codec_context.flags |= av.codec.context.Flags.frame_duration
        stream.codec_context.time_base = time_base
        if rotation:
            stream.set_display_rotation(rotation)
        last = None

        def encode(image: np.ndarray, time: int) -> None:
            nonlocal last
            frame = av.VideoFrame.from_ndarray(image, format='bgr24')
            frame.pts, frame.time_base = time, time_base
            frame.duration = 0 if last is None else time - last
            last = time
            container.mux(stream.encode(frame))

        yield encode
        container.mux(stream.encode(None))


def check_package(subject: str | Path) -> None:
    """Raises a ``UserError`` if PyAV is missing."""
    with needing('av', 'predict', subject):
        import av  # noqa: F401
