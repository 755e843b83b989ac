"""Generates all datasets from one seed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader

from vitpose_plus.datasets.figures.animal_shapes import sample_animal
from vitpose_plus.datasets.figures.draw import Scene, compose
from vitpose_plus.datasets.figures.formats import (
    FRAMES,
    write_aic,
    write_ap10k,
    write_apt36k,
    write_coco,
    write_mixed,
    write_mpii,
)
from vitpose_plus.datasets.figures.mixed import compose_mixed
from vitpose_plus.datasets.figures.person_shapes import sample_person

Progress = Callable[..., Iterable[Any]]

Composer = Callable[..., Scene]  # from random numbers and ``time``, a moment in frames

PEOPLE = partial(compose, sample=sample_person)
ANIMALS = partial(compose, sample=sample_animal)
# For every set of pictures: its writer, its composer of pictures, and the number of frames in a
# clip. The position of a set in this table is part of its seed.
SETS = {
    'COCO': (write_coco, PEOPLE, 1),
    'AIC': (write_aic, PEOPLE, 1),
    'MPII': (write_mpii, PEOPLE, 1),
    'AP-10K': (write_ap10k, ANIMALS, 1),
    'APT-36K': (write_apt36k, ANIMALS, FRAMES),
    'mixed': (write_mixed, compose_mixed, 1),
}
PICTURES_PER_PROCESS = 100  # for fewer, the start of a process is not worth it


@dataclass
class Scenes:
    """The scenes of a split with their indices; frames of a clip have the same random numbers.

    Attributes:
        key: The first part of the seed of every scene.
        total: The number of scenes.
        composer: Makes a scene.
        frames: The number of frames in a clip.
    """

    key: list[int]
    total: int
    composer: Composer
    frames: int

    def __len__(self) -> int:
        return self.total

    def __getitem__(self, index: int) -> tuple[int, Scene]:
        clip, frame = divmod(index, self.frames)
        return index, self.composer(np.random.default_rng([*self.key, clip]), time=float(frame))

    def composed(self, processes: int = 1) -> Iterable[tuple[int, Scene]]:
        """All scenes in order; several processes compose many scenes."""
        workers = min(processes, self.total // PICTURES_PER_PROCESS) if processes > 1 else 0
        return DataLoader(
            self,
            batch_size=None,
            num_workers=workers,
            collate_fn=_unchanged,
            worker_init_fn=_use_one_thread,
            generator=torch.Generator(),  # the global one stays as it is
        )


def _unchanged(scene: tuple[int, Scene]) -> tuple[int, Scene]:
    return scene


def _use_one_thread(worker: int) -> None:
    cv2.setNumThreads(0)


def write_datasets(
    root: Path,
    num_train: int,
    num_val: int,
    seed: int,
    progress: Progress | None = None,
    processes: int = 1,
) -> None:
    """Writes the folders of the datasets into the folder ``root``; see ``write_figures``."""
    for name in SETS:
        write_set(root, name, num_train, num_val, seed, progress, processes)


def write_set(
    root: Path,
    name: str,
    num_train: int,
    num_val: int,
    seed: int,
    progress: Progress | None = None,
    processes: int = 1,
) -> None:
    """Writes one of the sets of pictures; see ``write_figures``."""
    write, composer, frames = SETS[name]
    for split_number, (split, total) in enumerate((('train', num_train), ('val', num_val))):
        key = [seed, list(SETS).index(name), split_number]
        scenes = Scenes(key, total, composer, frames).composed(processes)
        if progress is not None:
            scenes = progress(scenes, total=total, desc=f'{name} {split}')
        write(root, split, scenes)
