"""Writes synthetic films as MP4 files, each with a JSON file of its true values."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import numpy as np

from vitpose_plus.datasets.figures.film_truth import writing_truth
from vitpose_plus.datasets.figures.films import Frame, scene_frames
from vitpose_plus.datasets.figures.generate import Progress
from vitpose_plus.datasets.figures.rates import TICKS, ConstantRate, Rate, VariableRate
from vitpose_plus.encoding import check_package, encoding
from vitpose_plus.errors import UserError
from vitpose_plus.files import check_output, replacing

SIZE = (640, 480)
MIN_SIZE = 64  # in pixels; the figures are too small in smaller pictures
ROTATIONS = (0, 90, 180, 270)
CRF = 18  # little loss
# The frame rate and the rotation of film i are in row i modulo 3.
KINDS = ((ConstantRate(25), 0), (VariableRate(25), 0), (ConstantRate(25), 90))


def write_films(
    folder: Path, films: int, seconds: float, seed: int, progress: Progress | None = None
) -> None:
    """Writes films in turn with a constant rate, with a variable rate, and with a rotation.

    Args:
        folder: The folder of the files ``film_000000.mp4`` and ``film_000000.json`` and so on.
        films: The number of films.
        seconds: The length of each film, about; at 25 frames per second.
        seed: The seed of all films.
        progress: Wraps an iterable as ``progress(iterable, total=..., desc=...)``.
    """
    for index in range(films):
        rate, rotation = KINDS[index % len(KINDS)]
        num_frames = max(1, round(seconds * rate.rate))
        path = folder / f'film_{index:06d}.mp4'
        write_film(path, seed, index, num_frames, rate, SIZE, rotation, progress)


def write_film(
    path: str | Path,
    seed: int,
    index: int,
    num_frames: int,
    rate: Rate,
    size: tuple[int, int] = SIZE,
    rotation: int = 0,
    progress: Progress | None = None,
) -> None:
    """Writes a film in H.264, and beside it a JSON file of the true values with the same name.

    The JSON file has COCO's form, with a picture for every frame. The pictures and the annotations
    also have ``frame``, from 0, and ``time`` in seconds; the annotations have ``track_id`` and
    ``visible``, the share of the silhouette in the picture that nothing hides. The values refer to
    the picture as a player shows it: after the rotation. An error leaves no file, and a file that
    existed is unchanged.

    Args:
        path: The file, which ends in .mp4.
        seed, index, num_frames, rate: See ``scene_frames``.
        size: Width and height of the picture that a player shows, even numbers of pixels.
        rotation: The rotation in the file, in degrees against the clock: players turn the stored
            pictures by it.
        progress: Wraps an iterable as ``progress(iterable, total=..., desc=...)``.

    Raises:
        UserError: An argument is out of its range, a file cannot be written, or PyAV is missing.
    """
    path = Path(path)
    truth = path.with_suffix('.json')
    check_film_output(path, num_frames, size, rotation)
    frames: Iterable[Frame] = scene_frames(seed, index, num_frames, rate, size)
    if progress is not None:
        frames = progress(frames, total=num_frames, desc=path.stem)
    turns = rotation // 90
    stored_wh = size[::-1] if turns % 2 else size
    info = {'description': 'synthetic film', 'seed': seed, 'index': index, 'rotation': rotation}
    # The true values are renamed first: a new film never exists without them.
    with (
        replacing(path) as film,
        replacing(truth) as values,
        writing_truth(values, info) as table,
        encoding(film, stored_wh, Fraction(1, TICKS), CRF, rate.rate, rotation) as encode,
    ):
        for frame in frames:
            # Players turn against the clock, so the stored picture is turned with the clock.
            encode(np.ascontiguousarray(np.rot90(frame.image, -turns)), frame.ticks)
            table.add(frame)


def check_film_output(path: Path, num_frames: int, size: tuple[int, int], rotation: int) -> None:
    """Raises a ``UserError`` if a film cannot be written; see ``write_film``."""
    check_output(path, ('.mp4',))
    check_output(path.with_suffix('.json'))
    check_package(path)
    if num_frames < 1:
        raise UserError(f'{path}: num_frames is {num_frames}: give 1 or more.')
    if min(size) < MIN_SIZE or any(length % 2 for length in size):
        raise UserError(
            f'{path}: the size is {size[0]}x{size[1]}: give even numbers from {MIN_SIZE}.'
        )
    if rotation not in ROTATIONS:
        raise UserError(f'{path}: the rotation is {rotation}: give one of {ROTATIONS}.')
