"""All the datasets from one seed."""

from collections.abc import Callable, Iterable, Iterator
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

# Of every image set, in numbered order: what writes it, a random figure, and frames in a clip.
SETS = {
    'COCO': (write_coco, sample_person, 1),
    'AIC': (write_aic, sample_person, 1),
    'MPII': (write_mpii, sample_person, 1),
    'AP-10K': (write_ap10k, sample_animal, 1),
    'APT-36K': (write_apt36k, sample_animal, FRAMES),
}


def write_datasets(
    root: Path, num_train: int, num_val: int, seed: int, progress: Progress | None = None
) -> None:
    """Writes the folders of the datasets into the folder ``root``, as ``write_figures`` says."""
    for number, (name, (write, sample, frames)) in enumerate(SETS.items()):
        for split_number, (split, total) in enumerate((('train', num_train), ('val', num_val))):
            scenes = _scenes([seed, number, split_number], total, sample, frames)
            if progress is not None:
                scenes = progress(scenes, total=total, desc=f'{name} {split}')
            write(root, split, scenes)


def _scenes(
    key: list[int], total: int, sample: Sampler, frames: int
) -> Iterator[tuple[int, Scene]]:
    """The scenes of a split with their indices; the frames of a clip share their random numbers."""
    for index in range(total):
        clip, frame = divmod(index, frames)
        yield index, compose(np.random.default_rng([*key, clip]), sample, float(frame))
