"""Real labels of mice: they are read, split and written."""

import os
from pathlib import Path

import numpy as np
import pytest

from tests.datasets.labels.test_writing import report_of
from vitpose_plus.datasets.labels import read_labels
from vitpose_plus.datasets.labels.boxes import BoxesFromPoints
from vitpose_plus.datasets.labels.guessing import swap_partners
from vitpose_plus.datasets.labels.splitting import ListedSplit
from vitpose_plus.datasets.labels.writing import write_coco


@pytest.fixture
def own_keypoints():
    if 'VITPOSE_OWN_KEYPOINTS' not in os.environ:
        pytest.skip('VITPOSE_OWN_KEYPOINTS names no folder of labelled mice (`.ci/run` sets it)')
    return Path(os.environ['VITPOSE_OWN_KEYPOINTS'])


@pytest.mark.real
@pytest.mark.parametrize(
    ('name', 'size', 'number', 'points', 'num_held_out', 'num_partners'),
    [
        ('openfield_mouse', (640, 480), 116, 464, 21, 2),
        ('mirror_mouse', (396, 406), 90, 1396, 10, 8),
    ],
)
def test_mice(name, size, number, points, num_held_out, num_partners, own_keypoints, tmp_path):
    labels = read_labels([own_keypoints / name])
    assert len(labels.pictures) == number
    assert {picture.size_wh for picture in labels.pictures} == {size}
    poses = np.stack([one.points for picture in labels.pictures for one in picture.instances])
    assert poses.shape == (number, len(labels.names), 3)
    assert (poses[..., 2] > 0).sum() == points
    assert len(swap_partners(labels.names)) == num_partners
    split = ListedSplit(own_keypoints / name / 'held_out.txt')
    held_out = split.held_out([picture.path for picture in labels.pictures])
    assert len(held_out) == num_held_out
    path = tmp_path / 'held_out.json'
    write_coco(labels, held_out, path, 'mouse', BoxesFromPoints(), own_keypoints)
    report = report_of(path, own_keypoints, labels)
    assert not list(report.findings)
    assert report.counts['used'] == num_held_out
