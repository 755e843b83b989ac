"""Predictions are drawn at their coordinates, with one row for each dataset."""

import cv2
import numpy as np
from mmengine.structures import InstanceData
from mmpose.registry import DATASETS

from vitpose_plus.visualization.sheets import TILE_HW, contact_sheet


class Oracle:
    """Replaces a model: predicts the ground truth with a shift and a score."""

    def __init__(self, shift, score):
        self.shift, self.score = shift, score

    def test_step(self, data):
        for sample in data['data_samples']:
            gt = sample.gt_instances
            sample.pred_instances = InstanceData(
                keypoints=gt.keypoints + self.shift,
                keypoints_visible=gt.keypoints_visible,
                keypoint_scores=gt.keypoints_visible,
                bboxes=gt.bboxes,
                bbox_scores=np.full_like(gt.bbox_scores, self.score),
            )
        return data['data_samples']


def sheet(dataset, path, shift, score=1.0):
    contact_sheet(Oracle(shift, score), dataset, path, columns=2)
    return cv2.imread(str(path)).astype(int)


def test_a_row_a_dataset_with_skeletons_on_the_bodies(tiny_config, tmp_path):
    parts = tiny_config.val_dataloader.dataset.datasets
    for part in parts:
        part.pop('bbox_file', None)
    dataset = DATASETS.build(tiny_config.val_dataloader.dataset)
    drawn = sheet(dataset, tmp_path / 'drawn.png', 0)
    nowhere = sheet(dataset, tmp_path / 'nowhere.png', 10_000)  # outside: the pictures alone
    height, width = TILE_HW
    assert drawn.shape == (6 * (height + 26), 2 * width, 3)
    for row in range(6):
        tile = slice(row * (height + 26) + 26, (row + 1) * (height + 26))
        changed = np.abs(drawn[tile] - nowhere[tile]).max(axis=2) > 40
        assert 0.001 < changed.mean() < 0.2, dataset.names[row]
    low = sheet(dataset, tmp_path / 'low.png', 0, score=0.1)
    assert (low == nowhere).all()  # people with low scores are not drawn
