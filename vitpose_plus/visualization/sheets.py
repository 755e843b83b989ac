"""Sheets of predictions: poses on pictures of several datasets, and reconstructed patches."""

from itertools import groupby
from pathlib import Path

import cv2
import numpy as np
import torch
from mmengine.dataset import BaseDataset, pseudo_collate
from mmpose.models.pose_estimators.base import BasePoseEstimator
from mmpose.structures import merge_data_samples

from vitpose_plus.datasets.multi_dataset import MultiDataset, parts_of
from vitpose_plus.datasets.skeletons import Skeleton
from vitpose_plus.models import MaskedAutoencoder
from vitpose_plus.visualization.poses import draw_pose

TILE_HW = (288, 352)
MIN_SCORE = 0.2  # only people and keypoints with a higher score are drawn


class ContactSheet:
    """Draws a row for each dataset: predictions for some of its pictures, always the same ones.

    People and keypoints are drawn only if their score is higher than ``MIN_SCORE``.

    Args:
        dataset: One dataset or several, in test mode. Consecutive samples of the same picture are
            drawn together.
        columns: The number of pictures of a dataset; they are spread evenly over it.
    """

    def __init__(self, dataset: BaseDataset | MultiDataset, columns: int = 5) -> None:
        self.columns = columns
        self.rows: list[tuple[BaseDataset, list[list[int]]]] = []
        for part in parts_of(dataset):
            by_image = groupby(range(len(part)), key=lambda i: part.get_data_info(i)['img_path'])
            images = [list(samples) for _, samples in by_image]
            self.rows.append((part, images[:: len(images) // columns or 1][:columns]))

    def draw(self, model: BasePoseEstimator) -> np.ndarray:
        """Returns the sheet, (height, width, BGR).

        Args:
            model: The model, in evaluation mode.
        """
        return np.vstack([self._row(model, part, images) for part, images in self.rows])

    def _row(
        self, model: BasePoseEstimator, part: BaseDataset, images: list[list[int]]
    ) -> np.ndarray:
        tiles = [_tile(model, part, samples) for samples in images]
        tiles += [np.full_like(tiles[0], 255)] * (self.columns - len(tiles))
        return _label(np.hstack(tiles), part.metainfo['dataset_name'])


def contact_sheet(
    model: BasePoseEstimator,
    dataset: BaseDataset | MultiDataset,
    path: str | Path,
    columns: int = 5,
) -> None:
    """Writes a ``ContactSheet``.

    Args:
        model: The model, in evaluation mode.
        dataset: One dataset or several, in test mode.
        path: The PNG to write.
        columns: The number of pictures of a dataset.
    """
    cv2.imwrite(str(path), ContactSheet(dataset, columns).draw(model))


def reconstruction_sheet(model: MaskedAutoencoder, samples: list[dict], path: str | Path) -> None:
    """Writes a sheet with a row for each sample: input, visible patches, reconstruction.

    Args:
        model: The model, in evaluation mode. Its preprocessor must convert BGR to RGB.
        samples: Samples of a dataset.
        path: The PNG to write.
    """
    preprocessor = model.data_preprocessor
    rows = []
    for versions in model.test_step(pseudo_collate(samples)):
        # (3 versions, RGB, height, width) -> (height, 3 * width, BGR)
        pixels = torch.stack(versions) * preprocessor.std + preprocessor.mean
        row = torch.cat(pixels.unbind(), dim=-1).permute(1, 2, 0).flip(-1)
        rows.append(row.round().clamp(0, 255).byte().cpu().numpy())
    cv2.imwrite(str(path), np.vstack(rows))


def _tile(model: BasePoseEstimator, dataset, indices: list[int]) -> np.ndarray:
    """Returns one picture (BGR, TILE_HW) with the predictions of all its samples."""
    sample = merge_data_samples(model.test_step(pseudo_collate([dataset[i] for i in indices])))
    people = sample.pred_instances[sample.pred_instances.bbox_scores > MIN_SCORE]
    drawn = cv2.imread(sample.img_path)
    skeleton = Skeleton.of(dataset.metainfo)
    for keypoints, scores in zip(people.keypoints, people.keypoint_scores, strict=True):
        draw_pose(drawn, keypoints, scores, skeleton, score=MIN_SCORE)
    ratio = min(TILE_HW[0] / drawn.shape[0], TILE_HW[1] / drawn.shape[1])
    drawn = cv2.resize(drawn, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA)
    tile = np.full((*TILE_HW, 3), 255, np.uint8)
    tile[: drawn.shape[0], : drawn.shape[1]] = drawn
    return tile


def _label(row: np.ndarray, text: str) -> np.ndarray:
    band = np.full((26, row.shape[1], 3), 40, np.uint8)
    cv2.putText(band, text, (8, 19), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (255, 255, 255), 1, cv2.LINE_AA)
    return np.vstack([band, row])
