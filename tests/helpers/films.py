"""Small films whose frames show their number."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

MILLISECOND = Fraction(1, 1000)
CONSTANT = [number * 40 for number in range(30)]  # milliseconds
BITS = 5
VARIABLE = [0, 40, 45, 200, 201, 333, 1000, 1040, 1500, 1999]


def frame_of(number: int, size_wh: tuple[int, int]) -> np.ndarray:
    """BGR: grey, with a white upper left corner; white stripes below are the bits of the number."""
    width, height = size_wh
    image = np.full((height, width, 3), 60, np.uint8)
    image[: height // 3, : width // 3] = 255
    for bit in range(BITS):
        if number >> bit & 1:
            image[height // 2 :, bit * width // BITS : (bit + 1) * width // BITS] = 255
    return image


def number_in(image: np.ndarray) -> int:
    """The number that the stripes show."""
    height, width = image.shape[:2]
    row = image[height * 3 // 4].mean(-1)
    return sum((row[(2 * bit + 1) * width // (2 * BITS)] > 150) << bit for bit in range(BITS))


def write_film(
    path: Path,
    times: list[int],
    size_wh: tuple[int, int] = (64, 48),
    rotation: int = 0,
    codec: str = 'libx264',
    image: np.ndarray | None = None,
    **options: str,
) -> Path:
    """Writes a film with a frame at each time, in milliseconds: the image, or its number."""
    content = (lambda number: frame_of(number, size_wh)) if image is None else lambda _: image
    return write_frames(path, times, content, rotation, codec, **options)


def write_frames(
    path: Path,
    times: list[int],
    content: Callable[[int], np.ndarray],
    rotation: int = 0,
    codec: str = 'libx264',
    **options: str,
) -> Path:
    """Writes a film with a frame at each time, in milliseconds: the content of its number."""
    with av.open(str(path), 'w', options=options) as container:
        stream = container.add_stream(codec, options={'bf': '0', 'g': '5'})
        stream.width, stream.height = content(0).shape[1::-1]
        stream.pix_fmt = 'yuv420p'
        stream.codec_context.time_base = MILLISECOND
        if rotation:
            stream.set_display_rotation(rotation)
        for number, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(content(number), format='bgr24')
            frame.pts, frame.time_base = time, MILLISECOND
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def times_in(path: Path) -> list[float]:
    """The presentation times of a film, in seconds."""
    with av.open(str(path)) as container:
        return [frame.time for frame in container.decode(video=0)]
