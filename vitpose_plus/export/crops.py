"""Crops for comparisons and for calibration: of a config's datasets, or of included pictures.

Shapes: N crops. Crops are uint8 pixels, BGR (N, 3, height, width).
"""

import io
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from torch import Tensor

from vitpose_plus.datasets.figures.generate import ANIMALS, PEOPLE
from vitpose_plus.datasets.multi_dataset import load_annotations, plain_datasets, unread
from vitpose_plus.errors import UserError
from vitpose_plus.inference.assignment import ANIMAL_DATASETS, OneDataset
from vitpose_plus.inference.boxes.source import Boxes
from vitpose_plus.inference.engines.description import KEYPOINTS, Description
from vitpose_plus.inference.estimators import TopDown, estimator_of
from vitpose_plus.inference.models import PoseModel
from vitpose_plus.inference.samples import ASTRONAUT

PERSON = (44, 2, 228, 254)  # x1, y1, x2, y2 of the person in the picture of the astronaut


@dataclass
class Crops:
    """Crops of several datasets, which alternate.

    Attributes:
        samples: N inputs of the network; each has its pixels as ``inputs``.
        numbers: The number of each crop's dataset (N,).
        source: Where the pictures are from.
    """

    samples: list[dict[str, Any]]
    numbers: Tensor
    source: str

    def __len__(self) -> int:
        return len(self.samples)

    @cached_property
    def pixels(self) -> Tensor:
        """(N, 3, height, width), uint8, BGR."""
        return torch.stack([sample['inputs'] for sample in self.samples])

    def rounds(self) -> list[Tensor]:
        """The rows of batches with one crop of every dataset.

        No decoder of a model with experts is without crops in these batches.
        """
        size = int(self.numbers.max()) + 1
        whole = len(self) // size * size
        return list(torch.arange(whole).split(size))

    def inputs(self, description: Description, rows: Tensor) -> tuple[Tensor, ...]:
        """The inputs of a file with this description, for some of the crops."""
        crops = self.pixels[rows]
        if description.channels == 'rgb':
            crops = crops.flip(1)
        if description.outputs != KEYPOINTS:
            crops = crops.float()
        if not description.is_normalising:
            mean, std = (torch.tensor(v).view(3, 1, 1) for v in (description.mean, description.std))
            crops = (crops - mean) / std
        return (crops, self.numbers[rows]) if description.has_experts else (crops,)


def for_comparison(model: PoseModel, description: Description, count: int = 32) -> Crops:
    """Crops of the config's validation or test data if they can be read, else of figures."""
    failed = ''
    for loader in ('val_dataloader', 'test_dataloader'):
        source = f"the config's {loader}"
        try:
            found = dict(_existing(model.network.cfg, loader, model))
            if len(found) == len(model.skeletons):
                streams = [_of_dataset(model, description, found[name]) for name in model.skeletons]
                return _alternating(streams, count, source)
        except Exception:  # damaged data can cause any error, and figures are used instead
            failed = failed or f', because {source} cannot be read'
    streams = [_of_figures(model, description, name) for name in model.skeletons]
    return _alternating(streams, count, f'synthetic figures and an included photograph{failed}')


def for_calibration(model: PoseModel, description: Description, cfg: Config, count: int) -> Crops:
    """Crops of the config's training data, through the pipelines of the model for testing.

    Raises:
        UserError: The config has no training data of a dataset of the model, or a picture cannot be
            read.
    """
    found = dict(_existing(cfg, 'train_dataloader', model))
    if missing := [name for name in model.skeletons if name not in found]:
        raise UserError(
            f'{cfg.filename} has no training data of {missing[0]} on this machine: give a config '
            'whose train_dataloader has every dataset of the model with --calibrate.'
        )
    streams = [_of_dataset(model, description, found[name]) for name in model.skeletons]
    crops = _alternating(streams, count, f'the training data of {cfg.filename}')
    if len(crops) < count:
        shortest = min(found, key=lambda name: len(found[name]))
        crops.source += f'; {count} are better, but {shortest} has only {len(found[shortest])}'
    return crops


def _alternating(streams: list[Iterator[dict[str, Any]]], count: int, source: str) -> Crops:
    """Takes crops from every stream in turn, until there are ``count`` or a stream ends."""
    rounds = zip(*streams, strict=False)
    numbered = ((number, crop) for each in rounds for number, crop in enumerate(each))
    numbers, crops = zip(*islice(numbered, max(count, len(streams))), strict=True)
    return Crops(list(crops), torch.tensor(numbers), source)


def _existing(cfg: Config, loader: str, model: PoseModel) -> Iterator[tuple[str, BaseDataset]]:
    """Yields the model's datasets of a loader whose files exist, with their annotations."""
    for part in plain_datasets((cfg.get(loader) or {}).get('dataset') or {}):
        dataset = unread(part)
        name = dataset.metainfo['dataset_name']
        if name not in model.skeletons or not _files_exist(dataset):
            continue
        with redirect_stdout(io.StringIO()):  # the COCO tools print every step
            load_annotations(name, dataset)
        if Path(dataset.get_data_info(0)['img_path']).is_file():
            yield name, dataset


def _files_exist(dataset: BaseDataset) -> bool:
    files = (dataset.ann_file, getattr(dataset, 'bbox_file', None))
    return all(Path(file).is_file() for file in files if file)


def _of_dataset(
    model: PoseModel, description: Description, dataset: BaseDataset
) -> Iterator[dict[str, Any]]:
    """Yields crops of a dataset; they are spread over all of its samples."""
    make = partial(_crop, model, description, dataset.metainfo['dataset_name'])
    order = np.random.default_rng(0).permutation(len(dataset))
    for number in order:
        info = dataset.get_data_info(int(number))
        try:
            yield make(info)
        except Exception as error:  # the transforms can raise any error
            raise UserError(
                f'{info["img_path"]} or its annotation is damaged ({type(error).__name__}): '
                'correct it, or remove it from the annotations.'
            ) from error


def _crop(
    model: PoseModel, description: Description, name: str, info: dict[str, Any]
) -> dict[str, Any]:
    """The input of the network for a sample of a dataset."""
    if isinstance(estimator_of(model), TopDown):
        return model.pipelines[name](info)
    return _whole(cv2.imread(info['img_path']), description)


def _of_figures(model: PoseModel, description: Description, name: str) -> Iterator[dict[str, Any]]:
    """Yields crops of synthetic figures without end; the second one is of a photograph."""
    estimator = estimator_of(model)
    for image, box in _pictures(name):
        if isinstance(estimator, TopDown):
            boxes = Boxes(np.array([box], np.float32), np.ones(1, np.float32), [None])
            [job] = estimator.jobs(image, boxes, OneDataset(name))
            yield job.inputs
        else:
            yield _whole(image, description)


def _pictures(name: str) -> Iterator[tuple[np.ndarray, Any]]:
    """Yields pictures (BGR) and the box of a person or animal: x1, y1, x2, y2."""
    compose = ANIMALS if name in ANIMAL_DATASETS else PEOPLE
    for seed in range(10**6):
        scene = compose(np.random.default_rng(seed))
        for figure in scene.figures:
            yield scene.image, figure.box
        if seed == 0:
            yield cv2.imread(str(ASTRONAUT)), PERSON


def _whole(image: np.ndarray, description: Description) -> dict[str, Any]:
    """A complete picture in the size of the input of a bottom-up model."""
    resized = cv2.resize(image, description.input_hw[::-1])
    return dict(inputs=torch.from_numpy(resized).permute(2, 0, 1).contiguous())
