"""A cache of a teacher's heatmaps on disk: written once, and read in every epoch.

Its folder has two files per dataset: an array of heatmaps in float16, which is mapped, and an
archive of the samples' ids with a thumbnail of each crop. The thumbnails detect a changed crop.

Shapes: B batch, N samples of a dataset, K keypoints, h w heatmaps, T values of a thumbnail.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np
import torch
from mmpose.structures import PoseDataSample
from torch import Tensor
from torch.nn import functional as F

from vitpose_plus import files
from vitpose_plus.errors import UserError

THUMBNAIL_HW = (8, 6)
TOLERANCE = 0.02  # largest difference of a thumbnail's values, which are means of normalised pixels
ABOUT = 'teacher.json'


class Part(NamedTuple):
    """The part of a cache for one dataset.

    Attributes:
        heatmaps: (N, K, h, w), float16.
        rows: A sample's id -> its row.
        thumbnails: (N, T).
    """

    heatmaps: np.ndarray
    rows: dict[int, int]
    thumbnails: np.ndarray


class HeatmapCache:
    """Reads a cache of ``write_cache``; a ``UserError`` if it is missing or not complete.

    Args:
        folder: The folder of the cache.

    Attributes:
        teacher: The name of the teacher.
        sha256: The SHA-256 of the teacher's weights.
        datasets: Name -> keypoints.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        try:
            about = json.loads((self.folder / ABOUT).read_text())
            self.teacher, self.sha256 = about['teacher'], about['sha256']
            for name in about['datasets']:
                check_name(name, folder)
            self.parts = {name: self._open(name) for name in about['datasets']}
        except UserError:
            raise
        except (OSError, EOFError, KeyError, TypeError, ValueError, BadZipFile) as error:
            raise UserError(
                f'{folder} is no cache of heatmaps, or not complete ({type(error).__name__}): '
                'write it with python -m vitpose_plus cache-heatmaps.'
            ) from error
        self.datasets = {name: part.heatmaps.shape[1] for name, part in self.parts.items()}

    def _open(self, name: str) -> Part:
        heatmaps = np.load(self.folder / f'{name}.npy', mmap_mode='r', allow_pickle=False)
        with np.load(self.folder / f'{name}.npz', allow_pickle=False) as file:
            ids, crops = file['ids'].tolist(), file['thumbnails']
        if heatmaps.ndim != 4 or not len(heatmaps) == len(ids) == len(crops):
            raise ValueError('arrays of different lengths')
        return Part(heatmaps, {sample: row for row, sample in enumerate(ids)}, crops)

    def look_up(self, inputs: Tensor, data_samples: list[PoseDataSample]) -> list[Tensor]:
        """The heatmaps (K, h, w) of crops (B, 3, height, width), with the crops' device and dtype.

        Thumbnails are compared on this device, and only one boolean is read from it. The heatmaps
        of each dataset are copied to it together.
        """
        rows = [self.parts[each.dataset_name].rows.get(each.id) for each in data_samples]
        own = thumbnails(inputs)
        if None in rows or not self._fits(own, data_samples, rows):
            self._refuse(own, data_samples, rows)
        places = defaultdict(list)
        for place, sample in enumerate(data_samples):
            places[sample.dataset_name].append(place)
        found = [None] * len(rows)
        for name, members in places.items():
            heatmaps = self.parts[name].heatmaps[[rows[place] for place in members]]
            heatmaps = torch.from_numpy(heatmaps).to(inputs.device)  # float16: half the bytes
            for place, heatmap in zip(members, heatmaps.to(inputs.dtype), strict=True):
                found[place] = heatmap
        return found

    def _fits(self, own: Tensor, data_samples: list[PoseDataSample], rows: list[int]) -> bool:
        """Whether thumbnails (B, T) are those of the cached samples, as one boolean."""
        pairs = zip(data_samples, rows, strict=True)
        known = np.stack([self.parts[each.dataset_name].thumbnails[row] for each, row in pairs])
        distance = (own - torch.from_numpy(known).to(own.device)).abs()
        return bool((distance <= TOLERANCE).all())  # false for NaN

    def _refuse(
        self, own: Tensor, data_samples: list[PoseDataSample], rows: list[int | None]
    ) -> None:
        """Raises a ``UserError`` that names the first missing or changed sample."""
        for sample, row, thumbnail in zip(data_samples, rows, own, strict=True):
            if row is None:
                raise UserError(
                    f'{self.folder} has no heatmaps of {sample.dataset_name} {sample.id}: write it '
                    'again from the training set of this config.'
                )
            if not self._fits(thumbnail, [sample], [row]):
                raise UserError(
                    f'{self.folder} has heatmaps of another crop of {sample.dataset_name} '
                    f'{sample.id}: train without augmentation, and with the input and boxes that '
                    'the cache was written with.'
                )


class Batch(NamedTuple):
    """Crops (B, 3, height, width), their data samples, and heatmaps (K, h, w) of each."""

    inputs: Tensor
    data_samples: list[PoseDataSample]
    heatmaps: list[Tensor]


def write_cache(
    folder: str | Path,
    about: Mapping[str, str],
    sizes: Mapping[str, int],
    batches: Iterable[Batch],
) -> None:
    """Writes a cache, completely or not at all.

    Args:
        folder: The new folder.
        about: ``teacher``, its name, and ``sha256``, the SHA-256 of its weights.
        sizes: Name of every dataset -> number of its samples.
        batches: All samples of all datasets, each once.
    """
    for name in sizes:
        check_name(name, folder)
    with files.new_folder(folder) as part:
        arrays, ids, crops = {}, defaultdict(list), defaultdict(list)
        for batch in batches:
            small = thumbnails(batch.inputs).cpu().numpy()
            rows = zip(batch.data_samples, batch.heatmaps, small, strict=True)
            for sample, heatmap, thumbnail in rows:
                name = sample.dataset_name
                if name not in arrays:
                    file, shape = part / f'{name}.npy', (sizes[name], *heatmap.shape)
                    arrays[name] = np.lib.format.open_memmap(file, 'w+', np.float16, shape)
                arrays[name][len(ids[name])] = heatmap.float().cpu().numpy()
                ids[name].append(sample.id)
                crops[name].append(thumbnail)
        for name, array in arrays.items():
            if len(set(ids[name])) < len(array):
                raise UserError(
                    f'The dataset {name} has two samples with the same id: no cache is written.'
                )
            array.flush()
            np.savez(part / f'{name}.npz', ids=ids[name], thumbnails=np.stack(crops[name]))
        (part / ABOUT).write_text(json.dumps(dict(about, datasets=list(arrays))))
        del array
        arrays.clear()  # Windows does not rename a folder with open files


def check_name(name: str, folder: str | Path) -> None:
    """Raises a ``UserError`` if a dataset's files would be outside of the folder."""
    if Path(f'{name}.npy').name != f'{name}.npy':
        raise UserError(
            f'The dataset {name!r} of the cache {folder} has a path as its name: give it a name '
            'without separators, and write the cache again.'
        )


def thumbnails(inputs: Tensor) -> Tensor:
    """(B, 3, height, width) -> the mean colour of each of 8x6 fields (B, T), in float32."""
    return F.adaptive_avg_pool2d(inputs.float(), THUMBNAIL_HW).flatten(1)
