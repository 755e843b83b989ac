"""The sheet of labelled pictures: any name can be drawn, and a damaged picture is named."""

import cv2
import numpy as np
import pytest

from vitpose_plus.datasets.labels import LabelledInstance, LabelledPicture
from vitpose_plus.errors import UserError
from vitpose_plus.visualization.labels import draw_labels

POINTS = np.array([[10.0, 12, 2], [30, 20, 1], [0, 0, 0]])
NAMES = ('a$_$b', '$x$', 'third')


def picture_in(folder, content=None):
    path = folder / 'x$_$y.png'
    cv2.imwrite(str(path), np.full((48, 64, 3), 90, np.uint8))
    if content is not None:
        path.write_bytes(path.read_bytes()[:content])
    return LabelledPicture(path, (64, 48), [LabelledInstance(POINTS)])


def test_keypoints_are_drawn_where_they_are_labelled(tmp_path):
    draw_labels([picture_in(tmp_path)], NAMES, [(0, 1), (1, 2)], tmp_path / 'sheet.png')
    sheet = cv2.imread(str(tmp_path / 'sheet.png')).astype(int)
    assert min(sheet.shape[:2]) > 100
    coloured = np.ptp(sheet, axis=2) > 60  # the picture is grey
    assert coloured.sum() > 50


def test_a_damaged_picture_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match='cannot be decoded: replace it'):
        draw_labels([picture_in(tmp_path, content=60)], NAMES, [], tmp_path / 'sheet.png')
