"""The labels that a report compares predictions with.

Shapes: N instances, K keypoints.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from vitpose_plus.datasets.multi_dataset import load_annotations, plain_datasets, unread
from vitpose_plus.errors import UserError


@dataclass(frozen=True)
class LabelledInstances:
    """Labelled instances; the instances of one picture follow each other.

    Attributes:
        paths: The path of the picture of each instance, (N,).
        points: x, y, visibility (N, K, 3) in pixels of the picture. Visibility 0: no label.
        boxes: x1, y1, x2, y2 of the boxes in the annotation file, (N, 4).
    """

    paths: tuple[str, ...]
    points: np.ndarray
    boxes: np.ndarray

    @cached_property
    def rows(self) -> dict[str, list[int]]:
        """The path of each picture -> the rows of its instances."""
        rows: dict[str, list[int]] = {}
        for row, path in enumerate(self.paths):
            rows.setdefault(path, []).append(row)
        return rows

    def spread(self, most: int) -> 'LabelledInstances':
        """Returns the instances of at most this number of pictures, evenly spread over all."""
        groups = list(self.rows.values())
        chosen = np.linspace(0, len(groups) - 1, min(most, len(groups))).round().astype(int)
        rows = [row for i in chosen for row in groups[i]]
        paths = tuple(self.paths[row] for row in rows)
        return LabelledInstances(paths, self.points[rows], self.boxes[rows])


def read_labels(loader: Mapping[str, Any] | None, name: str) -> LabelledInstances:
    """Reads the labels of a loader, with the rules of mmpose's datasets.

    mmpose leaves out crowds and instances without a labelled keypoint, and clips boxes to the
    picture. If several datasets of the loader have the same file, it is read once.

    Args:
        loader: The config of the loader.
        name: Its name in the config, for messages.
    """
    configs = plain_datasets(dict((loader or {}).get('dataset') or {}))
    # With a file of detections, mmpose's datasets have no labels.
    annotated = [{k: v for k, v in cfg.items() if k != 'bbox_file'} for cfg in configs]
    parts = {part.ann_file: part for part in map(unread, annotated)}
    datasets = {part.metainfo['dataset_name'] for part in parts.values()}
    if len(datasets) != 1:
        raise UserError(
            f'{name} has {len(datasets)} datasets, and a report needs one: '
            'give the config of a training with one dataset.'
        )
    found: dict[str, list[dict]] = {}
    for part in parts.values():
        load_annotations(*datasets, part)
        for row in range(len(part)):
            info = part.get_data_info(row)
            found.setdefault(info['img_path'], []).append(info)
    return _joined([info for infos in found.values() for info in infos], name)


def _joined(infos: Sequence[dict], name: str) -> LabelledInstances:
    if any(len(info['keypoints']) != 1 for info in infos):
        raise UserError(f'{name} has a bottom-up dataset: a report needs a top-down model.')
    points = [
        np.concatenate([info['keypoints'][0], info['keypoints_visible'][0][:, None]], axis=1)
        for info in infos
    ]
    return LabelledInstances(
        paths=tuple(str(info['img_path']) for info in infos),
        points=np.array(points, np.float64),
        boxes=np.array([info['bbox'][0] for info in infos], np.float64),
    )
