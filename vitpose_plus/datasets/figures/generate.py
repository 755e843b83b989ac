"""Generation of all the datasets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from vitpose_plus.datasets.figures.coat import sample_animal
from vitpose_plus.datasets.figures.costume import sample_person
from vitpose_plus.datasets.figures.draw import Sampler, Scene, compose
from vitpose_plus.datasets.figures.formats import (
    FRAMES,
    write_aic,
    write_ap10k,
    write_apt36k,
    write_coco,
    write_mpii,
)

Progress = Callable[..., Iterable[Any]]

_SETS = {
    'COCO': (write_coco, sample_person, 1),
    'AIC': (write_aic, sample_person, 1),
    'MPII': (write_mpii, sample_person, 1),
    'AP-10K': (write_ap10k, sample_animal, 1),
    'APT-36K': (write_apt36k, sample_animal, FRAMES),
}
"""Writer, sampler of figures and frames in a clip of every image set, in numbered order."""


def write_figures(
    root: str | PathLike[str],
    num_train: int = 600,
    num_val: int = 60,
    seed: int = 0,
    progress: Progress | None = None,
) -> None:
    """Write drawn figures in the formats of the datasets of ViTPose+.

    The five image sets are COCO (with COCO-WholeBody), AIC, MPII, AP-10K and APT-36K. An image
    depends on the seed and on its own set, split and index only.

    Args:
        root: folder to write the folders of the datasets to.
        num_train: images in the train split of every image set.
        num_val: images in the val split of every image set.
        seed: seed of everything drawn.
        progress: wraps an iterable as ``progress(iterable, total=..., desc=...)``.
    """
    root = Path(root)
    for number, (name, (write, sample, frames)) in enumerate(_SETS.items()):
        for split_number, (split, total) in enumerate((('train', num_train), ('val', num_val))):
            scenes = _draw([seed, number, split_number], total, sample, frames)
            if progress is not None:
                scenes = progress(scenes, total=total, desc=f'{name} {split}')
            write(root, split, scenes)


def _draw(key: list[int], total: int, sample: Sampler, frames: int) -> Iterator[tuple[int, Scene]]:
    """Draw the scenes of a split; the frames of a clip share their random numbers."""
    for index in range(total):
        clip, frame = divmod(index, frames)
        yield index, compose(np.random.default_rng([*key, clip]), sample, float(frame))
